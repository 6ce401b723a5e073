import { graphql } from './generated/index.js';

export const onSale = graphql(`
  query OnSale {
    subscriptions(first: 5) {
      nodes {
        id
        version
        title
        durationDays
        price {
          amount
          currency
        }
      }
    }
  }
`);

export const buyFromBalance = graphql(`
  mutation BuyFromBalance($input: PurchaseInput!) {
    purchase(input: $input) {
      grant {
        id
        status
        availableUntil
      }
      errors {
        __typename
        code
        message
        ... on InsufficientFunds {
          shortfall {
            amount
            currency
          }
        }
      }
    }
  }
`);

export const followBalance = graphql(`
  subscription FollowBalance($after: String) {
    balanceChanged(after: $after) {
      cursor
      balance {
        version
        available {
          amount
          currency
        }
      }
      transaction {
        id
        kind
        amount {
          amount
        }
      }
    }
  }
`);
