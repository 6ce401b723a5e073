import { randomUUID } from 'node:crypto';
import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { tokenFor } from '../gateway/gateway-kit.js';
import { type Following, follow } from '../support/following-client.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { RedisServer } from '../support/redis-server.js';
import { aKey } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const WEBHOOK_SECRET = 'whsec_nobody';

export interface BalanceChange {
  cursor: string;
  balance: { version: number; posted: { amount: number } };
}
export interface GrantChange {
  cursor: string;
  grant: { id: string; status: string };
}

const balances = {
  field: 'balanceChanged',
  query: 'subscription ($after: String) { balanceChanged(after: $after) { cursor balance { version posted { amount } } } }',
};
const grants = {
  field: 'grantChanged',
  query: 'subscription ($after: String) { grantChanged(after: $after) { cursor grant { id status } } }',
};

/** The answer to a mutation, whichever it is. */
export interface Payload {
  errors: object[];
  grant?: { id: string } | null;
  order?: { id: string } | null;
  films?: { id: string }[];
  subscription?: { id: string } | null;
}

/**
 * Two gateways in processes of their own, as they are shipped, with one database, one Redis and one sandbox as their Stripe, whose
 * webhooks go to the first one. The first one alone runs jobs.
 */
export class TwoGateways {
  private constructor(
    readonly home: TestDatabase,
    readonly redis: RedisServer,
    readonly sandbox: Sandbox,
    readonly processes: readonly [GatewayProcess, GatewayProcess],
    private readonly admin: string,
  ) {}

  /** `settings`: environment variables beside those that are needed. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<TwoGateways> {
    const [home, redis] = [await testDatabase(), await RedisServer.start()];
    const sandbox = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: WEBHOOK_SECRET, stateFile: null });
    const environment = {
      ...settings,
      DATABASE_URL: home.url,
      REDIS_URL: redis.url,
      STRIPE_API_URL: sandbox.url,
      STRIPE_SECRET_KEY: sandbox.secretKey,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    };
    const processes = [
      await GatewayProcess.on({ ...environment, RUN_JOBS: 'true' }),
      await GatewayProcess.on({ ...environment, RUN_JOBS: 'false' }),
    ] as const;
    for (const gateway of processes) await gateway.start();
    sandbox.control.setWebhookUrl(`${processes[0].url}/webhooks/stripe`);
    return new TwoGateways(home, redis, sandbox, processes, await tokenFor({ role: 'admin', expiresInSeconds: 3_600 }));
  }

  async close(): Promise<void> {
    for (const gateway of this.processes) await gateway.close();
    await this.sandbox.stop();
    await this.redis.close();
    await this.home.drop();
  }

  /** The gateways in turn. */
  at(index: number): GatewayProcess {
    return this.processes[(index % 2) as 0 | 1];
  }

  socketUrl(index: number): string {
    return `${this.at(index).url.replace('http', 'ws')}/graphql`;
  }

  /** One mutation, asked of one gateway by an admin, or by the viewer who is named; null for no whole answer. */
  async ask(index: number, mutation: string, input: object | string, viewerId?: string): Promise<Payload | null> {
    const token = viewerId ? await tokenFor({ userId: viewerId }) : this.admin;
    const [, field, type, rest] = /^(\w+)\((.*?)\) (.*)$/.exec(mutation) ?? [];
    const name = typeof input === 'string' ? 'id' : 'input';
    const query = `mutation ($given: ${type}) { ${field}(${name}: $given) ${rest} }`;
    const response = await fetch(`${this.at(index).url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { given: input } }),
    }).catch(() => null);
    const answer = (await response?.json().catch(() => null)) as { data?: Record<string, Payload | null> } | null;
    return answer?.data?.[field as string] ?? null;
  }

  /** Like `ask`. @throws unless the mutation succeeded. */
  async done(index: number, mutation: string, input: object | string, viewerId?: string): Promise<Payload> {
    const payload = await this.ask(index, mutation, input, viewerId);
    if (payload?.errors.length !== 0) throw new Error(`${mutation}: ${JSON.stringify(payload)}`);
    return payload;
  }

  /** Asked of one gateway after the other until one has done it. */
  async doneByEither(first: number, mutation: string, input: object): Promise<void> {
    for (let attempt = first; ; attempt++) {
      const payload = await this.ask(attempt, mutation, input);
      if (payload?.errors.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** One unit into the balance. */
  async change(userId: string, first: number): Promise<void> {
    const input = { userId, amount: 1, currency: 'USD', reason: 'a test', idempotencyKey: aKey() };
    await this.doneByEither(first, 'adjustBalance(AdjustBalanceInput!) { errors { code message } }', input);
  }

  async gift(userId: string, subscriptionId: string, first: number): Promise<void> {
    const input = { userId, subscriptionId, reason: 'a test', idempotencyKey: aKey() };
    await this.doneByEither(first, 'giftGrant(GiftGrantInput!) { errors { code message } }', input);
  }

  /** A subscription to one film, for 30 days at 1.00; returns its id. */
  async putOnSale(): Promise<string> {
    const { films } = await this.done(0, 'createFilms([CreateFilmInput!]!) { films { id } errors { message } }', [
      { title: 'A film' },
    ]);
    const terms = { title: `Plan ${randomUUID()}`, description: '', pricePerDay: 100, durationDays: 30 };
    const { subscription } = await this.done(
      0,
      'createSubscription(CreateSubscriptionInput!) { subscription { id } errors { message } }',
      { ...terms, filmIds: films?.map(({ id }) => id) },
    );
    const id = subscription?.id as string;
    await this.done(0, 'activateSubscription(ID!) { errors { message } }', id);
    return id;
  }

  /** A client of one gateway, whose tokens are good for so long. */
  async followBalance(index: number, userId: string, expiresInSeconds = 3_600): Promise<Following<BalanceChange>> {
    return this.follow(index, userId, balances, expiresInSeconds);
  }

  async followGrants(index: number, userId: string): Promise<Following<GrantChange>> {
    return this.follow(index, userId, grants, 3_600);
  }

  private async follow<Change extends { cursor: string }>(
    index: number,
    userId: string,
    operation: { field: string; query: string },
    expiresInSeconds: number,
  ): Promise<Following<Change>> {
    let token = await tokenFor({ userId, expiresInSeconds });
    return follow<Change>({
      url: () => this.socketUrl(index),
      token: () => {
        const present = token;
        void tokenFor({ userId, expiresInSeconds }).then((next) => {
          token = next;
        });
        return present;
      },
      ...operation,
    });
  }
}
