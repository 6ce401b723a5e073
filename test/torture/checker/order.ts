import type { Finding } from './findings.js';
import type { Timeline } from './timeline.js';

/**
 * Real time agrees with the order of versions: what completed before an operation began comes before it, and no read returns a state
 * that had been replaced before it was sent, or one whose change began after the answer.
 */
export function checkOrder(timeline: Timeline): Finding[] {
  return [...checkChanges(timeline), ...checkReads(timeline)];
}

function checkChanges({ rows, replay, begins, knownBefore }: Timeline): Finding[] {
  const findings: Finding[] = [];
  for (const [reference, { atMs, operations }] of begins) {
    const place = replay.places.get(reference);
    const known = knownBefore(atMs);
    if (!place || place.first > known) continue;
    const message = `${reference} is entry ${place.first} of the journal, but began when entry ${known} was known to exist.`;
    findings.push({ class: 'VERSION_OUT_OF_ORDER', viewer: rows.viewer, message, operations, sequence: place.first });
  }
  return findings;
}

function checkReads({ rows, operations, knownBefore, possibleUntil, sequenceOfVersion }: Timeline): Finding[] {
  const findings: Finding[] = [];
  for (const { action, answer, atMs, id } of operations) {
    const balance = answer?.data?.balance;
    if (action !== 'account' || answer?.outcome !== 'OK' || !balance) continue;
    const sequence = sequenceOfVersion(balance.version);
    if (sequence === undefined) continue;
    const next = sequenceOfVersion(balance.version + 1) ?? Number.POSITIVE_INFINITY;
    const known = knownBefore(atMs);
    const report = (message: string) =>
      findings.push({ class: 'STALE_READ', viewer: rows.viewer, message, operations: [id], sequence });
    if (next <= known)
      report(`A read returned version ${balance.version}, although entry ${known} was known to exist before it was sent.`);
    else if (sequence > possibleUntil(answer.atMs))
      report(`A read returned version ${balance.version}, whose change began after the answer.`);
  }
  return findings;
}
