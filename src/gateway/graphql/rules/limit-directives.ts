import { GraphQLError, type ValidationRule } from 'graphql';

/** Refuses documents with more than `limit` directives, wherever they stand: each is work before anything runs. */
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
              new GraphQLError(`The document has ${count} directives; at most ${limit} are served.`, { nodes: node }),
            );
          }
        },
      },
    };
  };
