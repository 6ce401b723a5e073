import { GraphQLError, type ValidationRule } from 'graphql';

/** Rejects documents with more than `limit` directives in any position: each costs work before execution. */
export const limitDirectives =
  (limit: number): ValidationRule =>
  (context) => {
    let count = 0;
    return {
      Directive() {
        count += 1;
      },
      Document: {
        leave(node) {
          if (count > limit) {
            context.reportError(
              new GraphQLError(`The document has ${count} directives; at most ${limit} are allowed.`, { nodes: node }),
            );
          }
        },
      },
    };
  };
