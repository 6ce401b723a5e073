import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { openStripe } from '../../../src/stores/stripe.js';
import type { History } from '../checker/history.js';
import { Api } from './api.js';
import { AppUnderTest } from './app-under-test.js';
import { Client, KnownViewer, type Plan } from './clients.js';
import { Dice } from './dice.js';
import { LiveClients } from './live-clients.js';
import { Nemesis } from './nemesis.js';
import { readFinalState } from './read-final-state.js';
import type { Recorder } from './recorder.js';
import { settle } from './settle.js';

const CLIENTS = 8;
const VIEWERS = 4;
/** Viewers are replaced, so that the history of each stays short enough to be read. */
const GENERATIONS = 8;
const MIN_GENERATION_MS = 8_000;

/** [price per day in cents, days]: expensive, cheap and free. */
const PLANS = [
  [100, 30],
  [37, 10],
  [0, 7],
] as const;

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly build: string;
  /** A directory for data. */
  readonly home: string;
  readonly signal: AbortSignal;
  /** Called with each part that was started: it must be stopped, in reverse order. */
  onStart(stop: () => Promise<void>): void;
  /** Called when the app has been started. */
  onReady(app: AppUnderTest): void;
}

/** One run: the app, its clients and the nemesis for so many seconds, then the end of everything that is in progress. */
export async function run(options: RunOptions, recorder: Recorder): Promise<History> {
  const { seed, seconds, signal, onStart } = options;
  const app = await AppUnderTest.start(options.home, options.build, onStart);
  options.onReady(app);
  const api = new Api(recorder, app.urls);
  const live = new LiveClients(api, recorder, app.urls);
  onStart(() => live.stop());
  const plans = await putOnSale(api);
  const parts = { api, recorder, sandbox: app.sandbox, plans };
  const stopping = AbortSignal.any([AbortSignal.timeout(seconds * 1_000), signal]);
  let viewers: readonly KnownViewer[] = [];
  const generations = async () => {
    const everyMs = Math.max(MIN_GENERATION_MS, (seconds * 1_000) / GENERATIONS);
    for (; !stopping.aborted; await pause(everyMs, undefined, { signal: stopping }).catch(() => undefined)) {
      const next = Array.from({ length: VIEWERS }, () => new KnownViewer(randomUUID()));
      for (const { id } of next) await live.follow(id, 0);
      viewers = next;
      // Some begin to watch in the middle.
      await pause(everyMs / 3, undefined, { signal: stopping }).catch(() => undefined);
      for (const { id } of next) await live.follow(id, 1);
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, number) => new Client(number, Dice.forPart(seed, number), parts));
  const nemesis = new Nemesis(app, live, recorder, Dice.forPart(seed, CLIENTS));
  await Promise.all([
    generations(),
    ...clients.map((client) => client.work(() => viewers, stopping)),
    nemesis.work(seed, stopping),
  ]);
  signal.throwIfAborted();
  console.log(`Settling after ${Math.round(recorder.now() / 1_000)} s.`);
  const stripe = openStripe({ secretKey: app.sandbox.secretKey, apiUrl: app.sandbox.url, timeoutMs: 10_000, attemptsCount: 2 });
  const reports = await settle({ app, api, stripe, live, recorder, dice: Dice.forPart(seed, CLIENTS + 1) });
  return recorder.end(await readFinalState(app.database.directUrl, stripe, reports));
}

async function putOnSale(api: Api): Promise<Plan[]> {
  const plans: Plan[] = [];
  for (const [pricePerDay, durationDays] of PLANS) {
    const { createFilms } = await api.admin<{ createFilms: { films: { id: string }[] } }>(
      'mutation ($input: [CreateFilmInput!]!) { createFilms(input: $input) { films { id } errors { message } } }',
      { input: [{ title: 'One' }, { title: 'Two' }] },
    );
    // Each plan shares a film with the one before it.
    const filmIds = [...createFilms.films.map(({ id }) => id), ...(plans.at(-1)?.filmIds.slice(0, 1) ?? [])];
    const input = { title: `Plan ${pricePerDay}`, description: '', filmIds, pricePerDay, durationDays };
    const { createSubscription } = await api.admin<{ createSubscription: { subscription: { id: string } } }>(
      'mutation ($input: CreateSubscriptionInput!) { createSubscription(input: $input) { subscription { id } errors { message } } }',
      { input },
    );
    const subscriptionId = createSubscription.subscription.id;
    await api.admin('mutation ($id: ID!) { activateSubscription(id: $id) { errors { message } } }', { id: subscriptionId });
    plans.push({ subscriptionId, filmIds });
  }
  return plans;
}
