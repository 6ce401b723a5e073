import { GraphQLError, type ValidationRule } from 'graphql';
import { countRootFields } from './selections.js';

/** Rejects operations with more than `limit` root fields: each may be a page, or move money. */
export const limitRootFields =
  (limit: number): ValidationRule =>
  (context) => ({
    OperationDefinition(node) {
      const count = countRootFields(node, (name) => context.getFragment(name));
      if (count > limit) {
        context.reportError(
          new GraphQLError(`The operation has ${count} root fields; at most ${limit} are allowed.`, { nodes: node }),
        );
      }
    },
  });
