import { GraphQLError, type ValidationRule } from 'graphql';
import { measureDepth } from './selections.js';

/** Rejects operations that nest more than `limit` fields deep. Introspection is ignored: it has its own setting. */
export const limitDepth =
  (limit: number): ValidationRule =>
  (context) => ({
    OperationDefinition(node) {
      const depth = measureDepth(node, (name) => context.getFragment(name));
      if (depth > limit) {
        context.reportError(
          new GraphQLError(`The operation nests ${depth} fields deep; at most ${limit} are allowed.`, { nodes: node }),
        );
      }
    },
  });
