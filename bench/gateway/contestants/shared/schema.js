/** The part of the contract that is measured, as the peers serve it. */
export const typeDefs = /* GraphQL */ `
  scalar DateTime
  scalar MinorUnits
  scalar CurrencyCode

  type Money { amount: MinorUnits! currency: CurrencyCode! }
  type Balance { available: Money! held: Money! version: Int! }
  type Film { id: ID! title: String! }
  type FilmConnection { nodes: [Film!]! }
  type Subscription { id: ID! title: String! version: Int! }
  enum GrantStatus { ACTIVE EXPIRED REFUNDED REVOKED SUSPENDED }
  type Grant {
    id: ID!
    status: GrantStatus!
    grantedAt: DateTime!
    availableUntil: DateTime!
    subscription: Subscription!
    films(first: Int = 20): FilmConnection!
  }
  type GrantConnection { nodes: [Grant!]! }
  enum TransactionKind { TOP_UP SPENDING REFUND ADJUSTMENT DISPUTE }
  type Transaction { id: ID! kind: TransactionKind! amount: Money! balanceAfter: Money! createdAt: DateTime! }
  type PageInfo { hasNextPage: Boolean! }
  type TransactionConnection { nodes: [Transaction!]! pageInfo: PageInfo! }
  type Account {
    balance: Balance!
    grants(first: Int = 20): GrantConnection!
    transactions(first: Int = 20): TransactionConnection!
  }
  enum AccessReason { GRANTED NO_GRANT EXPIRED REFUNDED REVOKED SUSPENDED UNKNOWN_FILM }
  type AccessDecision { filmId: ID! allowed: Boolean! reason: AccessReason! availableUntil: DateTime }
  type Query {
    me: Account!
    access(filmIds: [ID!]!): [AccessDecision!]!
  }
  schema { query: Query }
`;
