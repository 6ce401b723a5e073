import { beforeAll, describe, expect, test } from '@jest/globals';
import { type DocumentNode, type GraphQLSchema, Kind, type OperationDefinitionNode, parse, visit } from 'graphql';
import type { Limits } from '../../src/config/limits.js';
import { costLimitOf, OperationCosts } from '../../src/gateway/graphql/cost.js';
import { countRootFields, measureDepth } from '../../src/gateway/graphql/query-limits.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { defaultLimits } from '../support/catalogue-scene.js';
import { type ServedOperation, servedOperations } from './served-operations.js';

/** What the product itself asks for stays this far below each limit. */
const MAX_PART = 0.1;

interface Measured extends Record<string, number | string> {
  source: string;
  cost: number;
  costLimit: number;
}

const limits: Limits = defaultLimits;
let schema: GraphQLSchema;
let operations: ServedOperation[];
beforeAll(async () => {
  schema = await composeSchema();
  operations = await servedOperations();
});

function operationsOf(document: DocumentNode): OperationDefinitionNode[] {
  return document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
}

function measure({ source, role, text, variables, answer }: ServedOperation): Measured[] {
  const document = parse(text);
  const costs = new OperationCosts(schema, limits);
  const findFragment = (name: string) =>
    document.definitions.find((node) => node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === name) as never;
  return operationsOf(document).map((operation) => {
    const count = { aliases: 0, directives: 0 };
    visit(document, {
      Field(node) {
        if (node.alias) count.aliases += 1;
      },
      Directive() {
        count.directives += 1;
      },
    });
    return {
      source,
      cost: costs.measure(document, operation, variables).cost,
      costLimit: costLimitOf({ userId: role === 'PUBLIC' ? null : 'someone', role }, limits),
      depth: measureDepth(operation, findFragment),
      ...count,
      rootFields: countRootFields(operation, findFragment),
      tokens: tokensOf(document),
      requestBytes: Buffer.byteLength(JSON.stringify({ query: text, variables })),
      answerBytes: Buffer.byteLength(answer ?? ''),
    };
  });
}

function tokensOf(document: DocumentNode): number {
  let tokens = 0;
  for (let token = document.loc?.startToken; token; token = token.next ?? undefined) tokens += 1;
  return tokens - 2;
}

describe('the operations of the pages, the playground, the examples and the docs', () => {
  test('stay below a tenth of the cost that their caller may ask for, and of every other limit', () => {
    const measured = operations.flatMap(measure);
    const parts = measured.map((found) => ({
      source: found.source,
      cost: found.cost,
      ofCost: found.cost / found.costLimit,
      ofTokens: Number(found.tokens) / limits.queryTokensMaximumCount,
      ofAliases: Number(found.aliases) / limits.queryAliasesMaximumCount,
      ofDirectives: Number(found.directives) / limits.queryDirectivesMaximumCount,
      ofRequestBytes: Number(found.requestBytes) / limits.requestBodyBytes,
      ofAnswerBytes: Number(found.answerBytes) / limits.responseBytes,
    }));
    process.stdout.write(`${tableOf(measured)}\n`);
    expect(measured.length).toBeGreaterThan(60);
    const near = parts.filter((part) =>
      Object.entries(part).some(([name, value]) => name.startsWith('of') && Number(value) >= MAX_PART),
    );
    expect(near).toEqual([]);
  });
});

function tableOf(measured: readonly Measured[]): string {
  const names = Object.keys(measured[0] ?? {});
  const lines = [...measured].sort((a, b) => b.cost / b.costLimit - a.cost / a.costLimit);
  const row = (cells: readonly (string | number)[]) =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(52) : String(cell).padStart(13))).join('');
  return [row(names), ...lines.map((line) => row(names.map((name) => line[name] ?? '')))].join('\n');
}
