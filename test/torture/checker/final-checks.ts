import type { AccountRows } from './account-rows.js';
import { checkChain } from './chain.js';
import type { BalanceRow, FinalState, JournalRow } from './final-state.js';
import type { Finding, FindingClass } from './findings.js';
import type { Timeline } from './timeline.js';

/** The entries of a journal are numbered without gaps and chained, and each movement says what its transaction did. */
export function checkJournal(rows: AccountRows): Finding[] {
  const findings: Finding[] = [];
  const report = (message: string, { sequence }: JournalRow) =>
    findings.push({ class: 'JOURNAL_BROKEN', viewer: rows.viewer, message, operations: [], sequence });
  const seen = new Set<string>();
  let version = 0;
  for (const [index, row] of rows.journal.entries()) {
    if (row.sequence !== index + 1) report(`Entry ${row.sequence} is where entry ${index + 1} should be.`, row);
    if (row.version === null) continue;
    if (row.version !== version + 1) report(`Version ${row.version} follows version ${version}.`, row);
    version = row.version;
    if (row.kind !== 'MOVEMENT' || row.subjectId === null) continue;
    const transaction = rows.transactions.get(row.subjectId);
    if (!transaction) report(`Transaction ${row.subjectId} is not there.`, row);
    else if (transaction.version !== row.version || transaction.balanceAfter !== row.posted)
      report(`Transaction ${transaction.id} has version ${transaction.version} and ${transaction.balanceAfter} after it.`, row);
    if (seen.has(row.subjectId)) report(`Transaction ${row.subjectId} has two entries.`, row);
    seen.add(row.subjectId);
  }
  const last = rows.journal.at(-1);
  for (const { id } of rows.transactions.values()) if (last && !seen.has(id)) report(`Transaction ${id} has no entry.`, last);
  return [...findings, ...checkChain(rows.journal), ...checkLastEntries(rows)];
}

/** The state of each grant, order, refund, hold and dispute is that of its last entry. */
function checkLastEntries(rows: AccountRows): Finding[] {
  const last = new Map(rows.journal.map((row) => [row.subjectId, row]));
  const findings: Finding[] = [];
  const compare = (kind: JournalRow['kind'], id: string, status: string) => {
    const entry = last.get(id);
    const state = JSON.parse(entry?.state ?? '{}') as { status?: string; outcome?: string };
    const written = state.status ?? state.outcome;
    if (entry?.kind === kind && written === status) return;
    const message = `${kind} ${id} is ${status}; its last entry in the journal says ${written ?? 'nothing'}.`;
    findings.push({ class: 'FINAL_STATE_DIFFERS', viewer: rows.viewer, message, operations: [] });
  };
  for (const { id, status } of rows.grants.values()) compare('GRANT', id, status);
  for (const { id, status } of rows.orders.values()) compare('ORDER', id, status);
  for (const { id, status } of rows.refunds.values()) compare('REFUND', id, status);
  for (const { id, status } of rows.holds) compare('HOLD', id, status);
  for (const { id, outcome } of rows.disputes.values()) compare('DISPUTE', id, outcome);
  return findings;
}

/** The last state of the balance and of each grant is the one that the journal leads to. */
export function checkFinalState({ rows, replay }: Timeline, balance: BalanceRow | null): Finding[] {
  const findings: Finding[] = [];
  const report = (message: string) =>
    findings.push({ class: 'FINAL_STATE_DIFFERS', viewer: rows.viewer, message, operations: [] });
  const model = replay.cuts.at(-1)?.model;
  if (!model) return findings;
  const last = rows.journal.at(-1)?.sequence ?? 0;
  const { posted, held, version } = model;
  const is = {
    posted: balance?.posted ?? 0,
    held: balance?.held ?? 0,
    version: balance?.version ?? 0,
    sequence: balance?.sequence ?? 0,
  };
  const expected = { posted, held, version, sequence: last };
  if (JSON.stringify(is) !== JSON.stringify(expected))
    report(`The balance is ${JSON.stringify(is)}; its journal leads to ${JSON.stringify(expected)}.`);
  for (const { id, status } of rows.grants.values()) {
    const expected = model.grants.get(id)?.status;
    if (status !== expected) report(`Grant ${id} is ${status}; its journal leads to ${expected ?? 'no such grant'}.`);
  }
  for (const hold of rows.holds)
    if ((hold.status === 'PENDING') !== model.holds.has(hold.refundId))
      report(`The hold of refund ${hold.refundId} is ${hold.status}; its journal leads to another state.`);
  return findings;
}

/** What the product itself reports about its ledger and about Stripe, and what had not ended. */
export function checkReports({ discrepancies, differences, unsettled }: FinalState): Finding[] {
  const finding =
    (kind: FindingClass) =>
    (message: string): Finding => ({ class: kind, viewer: null, message, operations: [] });
  return [
    ...discrepancies.map(finding('FINAL_STATE_DIFFERS')),
    ...differences.map(finding('DIFFERS_FROM_STRIPE')),
    ...unsettled.map(finding('NOT_SETTLED')),
  ];
}
