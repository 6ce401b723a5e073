import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandbox } from '../src/start-sandbox.js';
import { type Kit, openSession, postJson, startKit, WEBHOOK_SECRET } from './sandbox-kit.js';

const HOUR_MS = 3_600_000;

/** A host's clock that can be moved, like an application's own. */
class HostClock {
  ms = Date.parse('2026-03-01T12:00:00Z');
  now = () => new Date(this.ms);
  async advance(milliseconds: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.ms += milliseconds;
  }
}

let kit: Kit;
let clock: HostClock;
/** The moves that the host was notified of, and the events that it had received by then. */
let moves: { from: string; to: string; received: string[] }[];
beforeEach(async () => {
  clock = new HostClock();
  moves = [];
  kit = await startKit({
    clock,
    onClockMoved: async (from, to) => {
      moves.push({ from: from.toISOString(), to: to.toISOString(), received: kit.receiver.types() });
    },
  });
});
afterEach(() => kit.stop());

describe('The clock of a host', () => {
  it('is the only one: the sandbox moves it, does what becomes due, sends the events and then notifies the host', async () => {
    const session = await openSession(kit.stripe);
    const moved = await postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 25 * HOUR_MS });
    expect(moved).toEqual({ status: 200, body: { now: '2026-03-02T13:00:00.000Z' } });
    expect(clock.now().toISOString()).toBe('2026-03-02T13:00:00.000Z');
    expect((await kit.stripe.checkout.sessions.retrieve(session.id)).status).toBe('expired');
    expect(moves).toEqual([
      {
        from: '2026-03-01T12:00:00.000Z',
        to: '2026-03-02T13:00:00.000Z',
        received: expect.arrayContaining(['checkout.session.expired']),
      },
    ]);
  });

  it('is moved by one request at a time, so that no move is lost', async () => {
    const move = { advanceMs: HOUR_MS };
    await Promise.all([1, 2, 3].map(() => postJson(kit.sandbox, '/sandbox/clock', move)));
    expect(clock.now().toISOString()).toBe('2026-03-01T15:00:00.000Z');
    expect(moves.map(({ to }) => to.slice(11, 13))).toEqual(['13', '14', '15']);
  });

  it('cannot be moved back, and a refused move does not block the next one', async () => {
    const refused = await postJson(kit.sandbox, '/sandbox/clock', { to: '2026-03-01T11:59:59Z' });
    expect(refused).toMatchObject({ status: 400, body: { error: { param: 'to' } } });
    expect(moves).toEqual([]);
    expect((await postJson(kit.sandbox, '/sandbox/clock', { to: '2026-03-01T12:00:01Z' })).status).toBe(200);
  });

  it('is not used for webhook signatures, which the receiver compares with the real time', async () => {
    await postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 90 * 24 * HOUR_MS });
    await kit.stripe.customers.create({});
    expect(await kit.sandbox.control.flushWebhooks()).toMatchObject({ pending: 0 });
    const [, seconds] = /^t=(\d+)/.exec(kit.receiver.headers.at(-1) ?? '') ?? [];
    expect(Math.abs(Number(seconds) - Date.now() / 1_000)).toBeLessThan(300);
  });

  it('replaces the offset in a state file from a run without a host', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sandbox-clock-'));
    const options = { port: 0, webhookUrl: null, webhookSecret: WEBHOOK_SECRET, stateFile: join(folder, 'state.jsonl') };
    const alone = await startSandbox(options);
    await alone.control.advanceClock(HOUR_MS);
    await alone.stop();
    const hosted = await startSandbox({ ...options, clock });
    expect(hosted.control.now()).toEqual(clock.now());
    await hosted.stop();
    rmSync(folder, { recursive: true });
  });
});
