import { defaultFieldResolver, type GraphQLField, getNamedType, isLeafType } from 'graphql';
import type { Limits } from '../../config/limits.js';
import { isRowResolver } from '../../resolvers/row-fields.js';

/** The number of characters of text that cost one point, like any other leaf. */
const CHARACTERS_PER_POINT = 200;

/** The cost of a text with this many characters. */
export const textCost = (characters: number): number => Math.max(1, Math.ceil(characters / CHARACTERS_PER_POINT));

/**
 * The maximum length of each text in a response, by `Type.field` or, for all types, by the field's name. Every field of type String is
 * listed (a test compares this with the schema). A name refers to the limit of that name.
 */
export const TEXT_CHARACTERS: Readonly<Record<string, number | 'descriptionMaximumCharacters'>> = {
  'Film.title': 300,
  'Film.description': 'descriptionMaximumCharacters',
  'Subscription.title': 200,
  'Subscription.description': 'descriptionMaximumCharacters',
  'Subscription.stripeProductId': 100,
  'Subscription.stripePriceId': 100,
  // Links to Stripe Checkout have a fragment of several hundred characters.
  'Order.checkoutUrl': 2_000,
  'Refund.failureReason': 100,
  'StripeEvent.stripeId': 100,
  'StripeEvent.type': 100,
  'LedgerDiscrepancy.rule': 100,
  'LedgerDiscrepancy.expected': 200,
  'LedgerDiscrepancy.found': 200,
  'ReconciliationFinding.stripeId': 100,
  'ReconciliationFinding.detail': 400,
  'Transaction.hash': 64,
  'LedgerProof.head': 64,
  'LedgerProof.path': 65,
  'LedgerRoot.root': 64,
  'LedgerRoot.previousRoot': 64,
  'LedgerRoot.cut': 20,
  'LedgerRoot.publicKey': 60,
  'LedgerRoot.signature': 88,
  'Job.name': 100,
  'Job.schedule': 100,
  'Job.lastResult': 500,
  'WrongState.state': 100,
  lastError: 500,
  reason: 500,
  // Cursors contain the sort key of the page, such as a film's title.
  cursor: 500,
  startCursor: 500,
  endCursor: 500,
  code: 50,
  message: 300,
  path: 50,
};

/** As long as the parent's arguments request: a page, or the input of a mutation. */
export const AS_ASKED = 'as asked';

/**
 * The maximum length of lists without a size argument, by `Type.field` or by the field's name. Every such list is here (a test compares
 * this with the schema).
 */
export const LIST_LENGTHS: Readonly<Record<string, number | typeof AS_ASKED>> = {
  edges: AS_ASKED,
  nodes: AS_ASKED,
  'FilmsPayload.films': AS_ASKED,
  'Grant.refunds': 20,
  'Refund.transactions': 5,
  'Order.transactions': 20,
  'LedgerReport.discrepancies': 1_000,
  'Reconciliation.findings': 1_000,
  'Query.jobs': 20,
  // Twice as many viewers are one step more.
  'LedgerProof.path': 32,
  // Catalogue mutations report every invalid input; all others stop at the first.
  'FilmPayload.errors': 100,
  'FilmsPayload.errors': 100,
  'SubscriptionPayload.errors': 100,
  errors: 1,
  path: 5,
};

/** Arguments whose list has one element for each element of the response. */
export const SIZE_ARGUMENTS: Readonly<Record<string, string>> = { 'Query.access': 'filmIds', 'Mutation.createFilms': 'input' };

/** For lists that are not in the table; none of the contract's are. */
const UNKNOWN_LIST_LENGTH = 100;

export const listLength = (typeName: string, fieldName: string): number | typeof AS_ASKED =>
  LIST_LENGTHS[`${typeName}.${fieldName}`] ?? LIST_LENGTHS[fieldName] ?? UNKNOWN_LIST_LENGTH;

/**
 * What a field below the root costs beside its value when it has a resolver of its own: its arguments, a promise and a place in a batch
 * take as long as several leaves, and all of a batch continue in one turn of the event loop.
 */
const RESOLVED_FIELD_COST = 3;

export function resolverCost({ resolve }: Pick<GraphQLField<unknown, unknown>, 'resolve'>): number {
  return !resolve || resolve === defaultFieldResolver || isRowResolver(resolve) ? 0 : RESOLVED_FIELD_COST;
}

/** The cost of one leaf value: 1, or more if it may be a long text. */
export function leafCost(typeName: string, { name, type }: GraphQLField<unknown, unknown>, limits: Limits): number {
  const leaf = getNamedType(type);
  return isLeafType(leaf) ? textCost(textCharacters(typeName, { name, type }, limits)) : 1;
}

/** The maximum length of a leaf's text; 0 if it is not a text. */
export function textCharacters(
  typeName: string,
  { name, type }: Pick<GraphQLField<unknown, unknown>, 'name' | 'type'>,
  limits: Pick<Limits, 'descriptionMaximumCharacters'>,
): number {
  if (getNamedType(type).name !== 'String') return 0;
  const known = TEXT_CHARACTERS[`${typeName}.${name}`] ?? TEXT_CHARACTERS[name] ?? 0;
  return typeof known === 'number' ? known : limits[known];
}
