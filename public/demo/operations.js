const money = '{ amount currency }';
const balance = `{ version available ${money} held ${money} posted ${money} }`;
const transaction = `{
  id kind version createdAt amount ${money} balanceAfter ${money} refundable ${money} reason
  grant { id subscription { id version title } }
}`;
const grant = `{
  id status paidWith grantedAt availableUntil
  subscription { id version title }
  refundQuote { unusedDays destination amount ${money} }
  refunds { id status destination failureReason amount ${money} }
}`;
const errors = `errors { code message ... on InsufficientFunds { shortfall ${money} } ... on AmountOutOfBounds { minimum ${money} maximum ${money} } }`;

export const CATALOGUE = `query Catalogue {
  films(first: 50) { nodes { id title description access { allowed reason availableUntil offers(first: 2) { id version title } } } }
  subscriptions(first: 20) {
    nodes { id version title description durationDays pricePerDay ${money} price ${money} films(first: 40) { nodes { id title } pageInfo { hasNextPage } } }
  }
}`;

export const ACCESS = `query Access($filmIds: [ID!]!) {
  access(filmIds: $filmIds) { filmId allowed reason availableUntil offers(first: 2) { id version title } }
}`;

export const HISTORY = `query History($after: String) {
  me { transactions(first: 10, after: $after) { nodes ${transaction} pageInfo { hasNextPage endCursor } } }
}`;

export const GRANTS = `query Grants { me { grants(first: 20) { nodes ${grant} } } }`;

export const QUOTE = `query Quote($id: ID!) { node(id: $id) { ... on Grant ${grant} } }`;

export const ORDER = `query Order($id: ID!) {
  order(id: $id) { id kind status checkoutUrl amount ${money} subscription { id version title } }
}`;

export const PURCHASE = `mutation Purchase($input: PurchaseInput!) {
  purchase(input: $input) { grant { id } order { id checkoutUrl } ${errors} }
}`;

export const TOP_UP = `mutation TopUp($input: TopUpInput!) { topUp(input: $input) { order { id checkoutUrl } ${errors} } }`;

export const CANCEL_ORDER = `mutation CancelOrder($id: ID!) { cancelOrder(orderId: $id) { order { id status } ${errors} } }`;

export const REFUND_GRANT = `mutation RefundGrant($input: RefundGrantInput!) {
  refundGrant(input: $input) { refund { id status destination amount ${money} } ${errors} }
}`;

export const REFUND_TRANSACTION = `mutation RefundTransaction($input: RefundTransactionInput!) {
  refundTransaction(input: $input) { refund { id status destination amount ${money} } ${errors} }
}`;

export const BALANCE_CHANGED = `subscription BalanceChanged($after: String) {
  balanceChanged(after: $after) { cursor balance ${balance} transaction ${transaction} }
}`;

export const GRANT_CHANGED = `subscription GrantChanged($after: String) { grantChanged(after: $after) { cursor grant ${grant} } }`;
