import { MapperKind, mapSchema } from '@graphql-tools/utils';
import {
  findBreakingChanges,
  findDangerousChanges,
  GraphQLSchema,
  lexicographicSortSchema,
  parse,
  print,
  printSchema,
  visit,
} from 'graphql';

/**
 * Describes every difference between two schemas; empty if they are the same. Directives and descriptions are ignored: only the contract
 * has them.
 */
export function schemaDrift(contract: GraphQLSchema, classes: GraphQLSchema): string[] {
  const left = bare(contract);
  const right = bare(classes);
  const changes = [
    ...findBreakingChanges(left, right),
    ...findDangerousChanges(left, right),
    ...findBreakingChanges(right, left),
    ...findDangerousChanges(right, left),
  ].map(({ description }) => description);
  const leftText = plainText(left);
  const rightText = plainText(right);
  if (changes.length === 0 && leftText !== rightText) changes.push(firstDifference(leftText, rightText));
  return [...new Set(changes)];
}

/** Without directives, and without the enum that only a directive uses. */
function bare(schema: GraphQLSchema): GraphQLSchema {
  const withoutDirectives = new GraphQLSchema({ ...schema.toConfig(), directives: [] });
  return mapSchema(withoutDirectives, { [MapperKind.ENUM_TYPE]: (type) => (type.name === 'Role' ? null : undefined) });
}

function plainText(schema: GraphQLSchema): string {
  const document = parse(printSchema(lexicographicSortSchema(schema)));
  const withoutDescriptions = visit(document, {
    enter: (node) => ('description' in node && node.description ? { ...node, description: undefined } : undefined),
  });
  return print(withoutDescriptions);
}

function firstDifference(left: string, right: string): string {
  const rightLines = right.split('\n');
  const index = left.split('\n').findIndex((line, position) => line !== rightLines[position]);
  return `line ${index + 1}: the contract has "${left.split('\n')[index] ?? ''}", the classes have "${rightLines[index] ?? ''}"`;
}
