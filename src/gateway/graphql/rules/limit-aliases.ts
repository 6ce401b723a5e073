import { GraphQLError, type ValidationRule } from 'graphql';

/** Refuses documents with more than `limit` aliases, which ask for one thing many times. */
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
              new GraphQLError(`The document has ${count} aliases; at most ${limit} are served.`, { nodes: node }),
            );
          }
        },
      },
    };
  };
