import { GraphQLError } from 'graphql';

/** The field requires a token. */
export const unauthenticated = (message = 'Authentication required.') =>
  new GraphQLError(message, { extensions: { code: 'UNAUTHENTICATED' } });

/** The caller's role does not allow this. */
export const forbidden = () => new GraphQLError("You don't have permission to do this.", { extensions: { code: 'FORBIDDEN' } });
