import { GraphQLError } from 'graphql';

/** The field wants a known caller and there is no token. */
export const unauthenticated = (message = 'This needs a valid token.') =>
  new GraphQLError(message, { extensions: { code: 'UNAUTHENTICATED' } });

/** The caller is known and may not do this. */
export const forbidden = () => new GraphQLError('You may not do this.', { extensions: { code: 'FORBIDDEN' } });
