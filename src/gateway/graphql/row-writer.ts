import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  GraphQLID,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type { Context } from '../../resolvers/context.js';
import type { Selected } from '../../resolvers/page-query/look-ahead.js';
import { isRowResolver } from '../../resolvers/row-fields.js';

export type Text = string | Promise<string>;
/** Writes a value as JSON. @throws NotPlain for any value that graphql-js would not write unchanged */
type WriteValue = (value: unknown, context: Context) => Text;
type Resolve = GraphQLFieldResolver<unknown, Context>;

/** A value is not what its type leads one to expect: graphql-js decides what that means, and reports where. */
class NotPlain extends Error {
  override readonly name = 'NotPlain';
}

const NO_ARGUMENTS = {};
/** Longer texts are left to graphql-js, whose results are measured before they are serialized: aliases may repeat a text many times. */
const MAX_TEXT_CHARACTERS = 1_000;

/** A function that writes the selected fields of a type's values. Null if they need more than the rows themselves. */
export function valueWriter(type: GraphQLOutputType, selection: readonly Selected[]): WriteValue | null {
  if (isNonNullType(type)) {
    const write = presentWriter(type.ofType, selection);
    return write && ((value, context) => (value === null || value === undefined ? refuse() : write(value, context)));
  }
  const write = presentWriter(type, selection);
  return write && ((value, context) => (value === null || value === undefined ? 'null' : write(value, context)));
}

function presentWriter(type: GraphQLOutputType, selection: readonly Selected[]): WriteValue | null {
  if (isLeafType(type)) return leafWriter(type);
  if (isListType(type)) {
    const write = valueWriter(type.ofType, selection);
    return write && ((value, context) => writeList(value, write, context));
  }
  return isObjectType(type) ? objectWriter(type, selection) : null;
}

function leafWriter(type: GraphQLLeafType): WriteValue {
  const write = (value: unknown): string => {
    const serialized = type.serialize(value);
    if (typeof serialized === 'string') return writeText(serialized);
    if (typeof serialized === 'boolean' || (typeof serialized === 'number' && Number.isFinite(serialized)))
      return `${serialized}`;
    return refuse();
  };
  if (type === GraphQLString || type === GraphQLID) {
    return (value) => (typeof value === 'string' ? writeText(value) : write(value));
  }
  // Consecutive rows often have the same instant, reason or currency, so the last value's text is reused.
  let last: unknown;
  let lastText = '';
  return (value) => {
    if (value !== last) {
      lastText = write(value);
      last = value;
    }
    return lastText;
  };
}

function writeText(text: string): string {
  return text.length <= MAX_TEXT_CHARACTERS ? JSON.stringify(text) : refuse();
}

function writeList(value: unknown, write: WriteValue, context: Context): Text {
  if (!Array.isArray(value)) return refuse();
  return joined('[', ']', value.length, (index) => write(value[index], context));
}

/** Null if a field needs arguments, a resolver that is not in row-fields.ts, or anything else that is not in the row. */
function objectWriter(type: GraphQLObjectType, selection: readonly Selected[]): WriteValue | null {
  if (type.isTypeOf) return null;
  const writers: WriteValue[] = [];
  for (const selected of selection) {
    const write = fieldWriter(type, selected);
    if (!write) return null;
    writers.push(write);
  }
  const keys = selection.map(({ key }) => `"${key}":`);
  const heads = keys.map((key, index) => `${index === 0 ? '' : ','}${key}`);
  return (row, context) => {
    if (typeof row !== 'object' || row === null || row instanceof Error || isPromise(row)) return refuse();
    let text = '{';
    for (let index = 0; index < writers.length; index++) {
      const written = (writers[index] as WriteValue)(row, context);
      if (typeof written !== 'string') {
        const part = (next: number) => (writers[next] as WriteValue)(row, context);
        return joinedLater({ text: text + heads[index], close: '}', written, index, count: writers.length, part, keys });
      }
      text += heads[index] + written;
    }
    return `${text}}`;
  };
}

function fieldWriter(type: GraphQLObjectType, { field, selection }: Selected): WriteValue | null {
  if (field === '__typename') return () => `"${type.name}"`;
  const definition = type.getFields()[field];
  const write = definition && definition.args.length === 0 ? valueWriter(definition.type, selection) : null;
  if (!definition || !write) return null;
  const resolve = (definition.resolve ?? defaultFieldResolver) as Resolve;
  if (resolve === defaultFieldResolver) {
    return (row, context) => {
      const value = (row as Record<string, unknown>)[field];
      return typeof value === 'function' ? refuse() : write(value, context);
    };
  }
  if (!isRowResolver(resolve)) return null;
  return (row, context) => writeResolved(resolve(row, NO_ARGUMENTS, context, undefined as never), write, context);
}

/** Writes a root field's value. It calls the field's resolver, which enforces the roles that the contract requires. */
export function rootFieldWriter({ resolve, type }: GraphQLField<unknown, Context>, selection: readonly Selected[]) {
  const write = resolve ? valueWriter(type, selection) : null;
  if (!resolve || !write) return null;
  return (given: object, context: Context): Text =>
    writeResolved(resolve(undefined, given, context, undefined as never), write, context);
}

function writeResolved(value: unknown, write: WriteValue, context: Context): Text {
  return isPromise(value) ? value.then((present) => write(present, context)) : write(value, context);
}

/** Joins the parts between brackets; a promise only if a part is one. A part that rejects never goes unhandled. */
export function joined(
  open: string,
  close: string,
  count: number,
  part: (index: number) => Text,
  keys?: readonly string[],
): Text {
  let text = open;
  for (let index = 0; index < count; index++) {
    const before = `${index === 0 ? '' : ','}${keys ? keys[index] : ''}`;
    const written = part(index);
    if (typeof written !== 'string') return joinedLater({ text: text + before, close, written, index, count, part, keys });
    text += before + written;
  }
  return text + close;
}

interface Rest {
  readonly text: string;
  readonly close: string;
  readonly written: Promise<string>;
  readonly index: number;
  readonly count: number;
  readonly part: (index: number) => Text;
  readonly keys: readonly string[] | undefined;
}

async function joinedLater({ text, close, written, index, count, part, keys }: Rest): Promise<string> {
  const parts: Text[] = [written];
  try {
    for (let next = index + 1; next < count; next++) parts.push(part(next));
  } catch (error) {
    for (const pending of parts) if (typeof pending !== 'string') pending.catch(() => undefined);
    throw error;
  }
  const texts = await Promise.all(parts);
  return (
    text + texts.map((each, offset) => (offset === 0 ? each : `,${keys ? keys[index + offset] : ''}${each}`)).join('') + close
  );
}

const isPromise = (value: unknown): value is Promise<unknown> => typeof (value as { then?: unknown } | null)?.then === 'function';

function refuse(): never {
  throw new NotPlain();
}
