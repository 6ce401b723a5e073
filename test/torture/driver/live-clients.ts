import { type Following, follow } from '../../support/following-client.js';
import type { Api } from './api.js';
import type { Dice } from './dice.js';
import type { Recorder } from './recorder.js';

interface BalanceChange {
  readonly cursor: string;
  readonly balance: { version: number; posted: { amount: number }; held: { amount: number } };
  readonly transaction: { id: string } | null;
}
interface GrantChange {
  readonly cursor: string;
  readonly grant: { id: string; status: string };
}

const BALANCES = `subscription ($after: String) { balanceChanged(after: $after) {
  cursor balance { version posted { amount } held { amount } } transaction { id } } }`;
const GRANTS = 'subscription ($after: String) { grantChanged(after: $after) { cursor grant { id status } } }';

interface Followed {
  readonly viewer: string;
  readonly client: Following<BalanceChange> | Following<GrantChange>;
  /** Whether the last change that was received is the viewer's last. */
  hasAll(last: LastChange): boolean;
}

/** A viewer's last changes: the version of the balance, and the grant of the last entry that names one. */
export interface LastChange {
  readonly version: number;
  readonly grantId: string | null;
}

/** Clients of live operations, as docs/live.md shows them: they resume after their last cursor whatever happens. */
export class LiveClients {
  private readonly followed: Followed[] = [];

  constructor(
    private readonly api: Api,
    private readonly recorder: Recorder,
    private readonly urls: readonly string[],
  ) {}

  async follow(viewer: string, gateway: number): Promise<void> {
    const token = await this.api.tokenOf(viewer, 'viewer');
    const url = () => `${this.urls[gateway % this.urls.length]?.replace('http', 'ws')}/graphql`;
    const common = { url, token: () => token };
    const balances = this.recorder.stream(viewer, 'balanceChanged');
    const balanceClient = follow<BalanceChange>({
      ...common,
      field: 'balanceChanged',
      query: BALANCES,
      onChange: ({ balance: { version, posted, held }, transaction }, { attempts, hasErrors }) =>
        this.recorder.note({
          type: 'live',
          stream: balances,
          attempt: attempts,
          ...(hasErrors ? { hasErrors } : {}),
          balance: { version, posted: posted.amount, held: held.amount },
          transactionId: transaction?.id ?? null,
        }),
    });
    this.followed.push({
      viewer,
      client: balanceClient,
      hasAll: ({ version }) => balanceClient.seen.at(-1)?.balance.version === version,
    });
    const grants = this.recorder.stream(viewer, 'grantChanged');
    const grantClient = follow<GrantChange>({
      ...common,
      field: 'grantChanged',
      query: GRANTS,
      onChange: ({ grant }, { attempts }) => this.recorder.note({ type: 'live', stream: grants, attempt: attempts, grant }),
    });
    this.followed.push({
      viewer,
      client: grantClient,
      hasAll: ({ grantId }) => (grantClient.seen.at(-1)?.grant.id ?? null) === grantId,
    });
  }

  /** Breaks the connections of some; returns how many. */
  cutSome(dice: Dice): number {
    return this.followed.filter(({ client }) => dice.happens(0.3) && client.cut()).length;
  }

  /** Whether each has received the last change of its viewer. */
  haveAll(last: ReadonlyMap<string, LastChange>): boolean {
    return this.followed.every(({ viewer, hasAll }) => hasAll(last.get(viewer) ?? { version: 0, grantId: null }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.followed.map(({ client }) => client.stop()));
  }
}
