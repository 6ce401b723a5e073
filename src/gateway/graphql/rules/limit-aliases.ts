import { GraphQLError, type ValidationRule } from 'graphql';

/** Rejects documents with more than `limit` aliases, which can request the same field many times. */
export const limitAliases =
  (limit: number): ValidationRule =>
  (context) => {
    let count = 0;
    return {
      Field(node) {
        if (node.alias) count += 1;
      },
      Document: {
        leave(node) {
          if (count > limit) {
            context.reportError(
              new GraphQLError(`The document has ${count} aliases; at most ${limit} are allowed.`, { nodes: node }),
            );
          }
        },
      },
    };
  };
