import {
  type ASTNode,
  GraphQLError,
  getNullableType,
  isScalarType,
  isSpecifiedScalarType,
  Kind,
  type ValidationRule,
  type ValueNode,
} from 'graphql';

/**
 * Names the argument or input field whose literal one of our scalars rejects. GraphQL's own rule reports only the type and the value; for
 * variables it already names the field.
 */
export const scalarLiteralErrors: ValidationRule = (context) => {
  const check = (
    node: ValueNode,
    _key: unknown,
    parent: ASTNode | readonly ASTNode[] | undefined,
    _path: unknown,
    ancestors: readonly (ASTNode | readonly ASTNode[])[],
  ) => {
    const type = getNullableType(context.getInputType());
    if (!isScalarType(type) || isSpecifiedScalarType(type)) return;
    try {
      type.parseLiteral(node);
    } catch (error) {
      const name = nameOf(parent ? [...ancestors, parent] : ancestors);
      context.reportError(
        new GraphQLError(`\`${name}\`: ${(error as Error).message}`, {
          nodes: node,
          originalError: error as Error,
          extensions: { argument: name },
        }),
      );
    }
  };
  return { StringValue: check, IntValue: check, FloatValue: check, BooleanValue: check, EnumValue: check };
};

/** The path of a value, outermost first, such as `input.amount`. */
function nameOf(ancestors: readonly (ASTNode | readonly ASTNode[])[]): string {
  return ancestors
    .flatMap((ancestor) => ('kind' in ancestor ? [ancestor] : []))
    .flatMap((node) => (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD ? [node.name.value] : []))
    .join('.');
}
