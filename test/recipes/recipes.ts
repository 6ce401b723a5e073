/**
 * One change of a file: `add` goes in front of `before`, behind `after`, or to the end; without any of them the file is new. Anchors are
 * declarations, not descriptions or comments, which may be reworded.
 */
export interface Edit {
  readonly file: string;
  readonly before?: string;
  readonly after?: string;
  readonly atEnd?: true;
  readonly add: string;
}

/** The recipes of CONTRIBUTING.md, by their headings, each tried with an example. Generated files are not among the edits. */
export const recipes: Readonly<Record<string, readonly Edit[]>> = {
  'Add a field': [
    {
      file: 'schema.graphql',
      after: 'type Grant implements Node {\n',
      add: '  "A remark about the grant."\n  remark: String\n',
    },
    {
      file: 'src/entities/grant.ts',
      before: '  @Uuid({ nullable: true }) actorId!',
      add: '  @Text({ nullable: true }) remark!: string | null;\n',
    },
    {
      file: 'migrations/Migration20991231000000.ts',
      add: `import { Migration } from '@mikro-orm/migrations';

/** A remark about a grant. */
export class Migration20991231000000 extends Migration {
  override up(): void {
    this.addSql('alter table "grants" add column "remark" text null;');
  }
}
`,
    },
    {
      file: 'src/services/purchases/buy-from-balance.ts',
      after: "return { ...grant, userId, currency, status: 'ACTIVE', ",
      add: 'remark: null, ',
    },
    {
      file: 'schema.graphql',
      after: 'type Film implements Node {\n',
      add: '  "The year in which it was first shown."\n  year: Int\n',
    },
    {
      file: 'src/entities/film.ts',
      before: '  @Instant() createdAt!',
      add: '  @Int({ nullable: true }) year!: number | null;\n',
    },
    {
      file: 'src/entities/film.ts',
      after: 'import { Id, Instant, ',
      add: 'Int, ',
    },
    {
      file: 'migrations/Migration20991231000001.ts',
      add: `import { Migration } from '@mikro-orm/migrations';

/** The year of a film. */
export class Migration20991231000001 extends Migration {
  override up(): void {
    this.addSql('alter table "films" add column "year" int null;');
  }
}
`,
    },
    {
      file: 'src/services/catalogue/change-catalogue.ts',
      after: '({ ...film, ',
      add: 'year: null, ',
    },
  ],
  'Add a money mutation': [
    {
      file: 'schema.graphql',
      atEnd: true,
      add: `
"A bonus for a viewer."
input PayBonusInput {
  "The viewer."
  userId: ID!
  "How much."
  amount: MinorUnits!
  "A unique key for this request, to retry it safely."
  idempotencyKey: IdempotencyKey!
}

`,
    },
    {
      file: 'schema.graphql',
      after: 'type Mutation {\n',
      add: `  "Pays a bonus into a balance."
  payBonus("The viewer and the amount." input: PayBonusInput!): AdjustBalancePayload! @allowed(to: [ADMIN])
`,
    },
    {
      file: 'src/services/ledger/bonuses.ts',
      add: `import type { Balance } from '../../entities/balance.js';
import { recordAudit } from '../audit/audit.js';
import { type Caller, requireAdminId } from '../caller.js';
import { type BillingError, bonusTooLarge, invalidInput, refusalsAsData } from '../errors.js';
import { parseId } from '../ids.js';
import { requestOf } from './idempotency.js';
import { balanceFromAnswer } from './kept-balance.js';
import type { Ledger } from './ledger.js';

const MAX_BONUS_MINOR_UNITS = 1_000;

export interface PayBonusInput {
  userId: string;
  amount: number;
  idempotencyKey: string;
}

export class Bonuses {
  constructor(
    private readonly ledger: Ledger,
    private readonly currency: string,
  ) {}

  /** @throws INVALID_INPUT, BONUS_TOO_LARGE, IDEMPOTENCY_CONFLICT, as the payload's errors */
  async pay(caller: Caller, input: PayBonusInput): Promise<{ balance?: Balance; errors: BillingError[] }> {
    return refusalsAsData<{ balance?: Balance; errors: BillingError[] }>(async () => {
      const actorId = requireAdminId(caller);
      const userId = parseId(input.userId);
      if (!userId) throw invalidInput('The user id is not a UUID.', 'userId');
      const viewer = { userId, currency: this.currency };
      const { balance } = await this.ledger.once(requestOf(caller, 'payBonus', input), viewer, async (unit) => {
        const { amount } = input;
        if (amount > MAX_BONUS_MINOR_UNITS) throw bonusTooLarge(MAX_BONUS_MINOR_UNITS);
        const textDigest = await recordAudit(unit.tx, caller, { action: 'payBonus', userId, reason: 'bonus' }, unit.now);
        await unit.post({ kind: 'ADJUSTMENT', amount, counterAccount: 'ADJUSTMENT', textDigest, actorId });
        return { balance: unit.balance };
      });
      return { balance: balanceFromAnswer(balance), errors: [] };
    });
  }
}
`,
    },
    {
      file: 'src/services/services.ts',
      after: "import { Adjustments } from './ledger/adjustments.js';\n",
      add: "import { Bonuses } from './ledger/bonuses.js';\n",
    },
    {
      file: 'src/services/services.ts',
      before: '    adjustments: new Adjustments(',
      add: '    bonuses: new Bonuses(ledger, currency),\n',
    },
    {
      file: 'src/resolvers/transaction-resolver.ts',
      after: 'import { AdjustBalanceInput, ',
      add: 'PayBonusInput, ',
    },
    {
      file: 'src/resolvers/transaction-resolver.ts',
      before: '  @Mutation(() => AdjustBalancePayloadType)\n',
      add: `  @Mutation(() => AdjustBalancePayloadType)
  payBonus(@Ctx() { caller, services }: Context, @Arg('input', () => PayBonusInput) input: PayBonusInput): unknown {
    refuseOwnAccount(caller, input.userId);
    return services.bonuses.pay(caller, input);
  }

`,
    },
  ],
  'Add a job': [
    {
      file: 'src/config/limits.ts',
      after: '  sweepIntervalMs: [hour, 100, day],\n',
      add: '  touchCatalogueIntervalMs: [hour, 100, day],\n',
    },
    {
      file: 'src/jobs/jobs.ts',
      before: "    job({\n      name: 'verify-ledger',\n",
      add: `    job({
      name: 'touch-catalogue',
      everyMs: limits.touchCatalogueIntervalMs,
      run: inBatches((limit) => catalogueSync.repairDue(limit)),
      report: (count) => \`\${count} subscriptions touched\`,
    }),
`,
    },
    {
      file: '.env.example',
      after: '# SWEEP_INTERVAL_MS=3600000\n',
      add: '# TOUCH_CATALOGUE_INTERVAL_MS=3600000\n',
    },
    {
      file: 'docs/operations.md',
      before: '| `verify-ledger`         |',
      add: '| `touch-catalogue`       | touches the catalogue | nothing |\n',
    },
  ],
  'Add a Stripe event type': [
    {
      file: 'src/services/stripe-events/accept-event.ts',
      after: "export type EventSubject = 'CHECKOUT_SESSION'",
      add: " | 'CUSTOMER'",
    },
    {
      file: 'src/services/stripe-events/accept-event.ts',
      before: "  ['refund.created', 'REFUND'],\n",
      add: "  ['customer.deleted', 'CUSTOMER'],\n",
    },
    {
      file: 'src/services/stripe-events/process-event.ts',
      before: "import type { Fulfilment } from '../purchases/fulfilment.js';\n",
      add: "import { forgetDeletedCustomer } from '../catalogue/forget-deleted-customer.js';\n",
    },
    {
      file: 'src/services/stripe-events/process-event.ts',
      before: "    case 'REFUND':\n",
      add: "    case 'CUSTOMER':\n      return forgetDeletedCustomer(data.object as Stripe.Customer, joined);\n",
    },
    {
      file: 'src/services/catalogue/forget-deleted-customer.ts',
      add: `import type Stripe from 'stripe';
import type { Statement } from '../../stores/database.js';
import type { JoinedTransaction } from '../ledger/joined-transaction.js';
import type { Applied } from '../stripe-events/stripe-objects.js';

const forget: Statement = {
  name: 'forget-deleted-customer',
  text: 'delete from stripe_customers where stripe_customer_id = $1 returning user_id',
};

/** The next purchase creates another one. */
export async function forgetDeletedCustomer({ id }: Pick<Stripe.Customer, 'id'>, { tx }: JoinedTransaction): Promise<Applied> {
  const forgotten = await tx.query(forget, [id]);
  return forgotten.length > 0 ? 'APPLIED' : 'NOT_OURS';
}
`,
    },
    {
      file: 'docs/operations.md',
      after: 'The webhook endpoint needs these event types:\n\n```\n',
      add: 'customer.deleted\n',
    },
  ],
  'Add an expected error': [
    {
      file: 'schema.graphql',
      atEnd: true,
      add: `
"The bonus is too large. Code BONUS_TOO_LARGE."
type BonusTooLarge implements BillingError {
  "BONUS_TOO_LARGE"
  code: String!
  "A message for people, in English."
  message: String!
  "The path of the invalid input field, outermost first."
  path: [String!]
  "The largest bonus, in minor units."
  largest: MinorUnits!
}

`,
    },
    {
      file: 'src/services/errors.ts',
      after: 'export type BillingError =\n',
      add: "  | (Failure & { readonly code: 'BONUS_TOO_LARGE'; readonly largest: number })\n",
    },
    {
      file: 'src/services/errors.ts',
      atEnd: true,
      add: `
/** BONUS_TOO_LARGE: \`largest\` in minor units. */
export const bonusTooLarge = (largest: number) =>
  new Refusal({ code: 'BONUS_TOO_LARGE', message: 'The bonus is too large.', path: ['input', 'amount'], largest });

`,
    },
  ],
};
