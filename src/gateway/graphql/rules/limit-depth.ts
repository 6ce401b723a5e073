import { GraphQLError, type ValidationRule } from 'graphql';
import { measureDepth } from './selections.js';

/** Refuses operations that nest deeper than `limit` fields. Introspection is left aside: it has a switch of its own. */
export const limitDepth =
  (limit: number): ValidationRule =>
  (context) => ({
    OperationDefinition(node) {
      const depth = measureDepth(node, (name) => context.getFragment(name));
      if (depth > limit) {
        context.reportError(
          new GraphQLError(`The operation nests ${depth} fields deep; at most ${limit} are served.`, { nodes: node }),
        );
      }
    },
  });
