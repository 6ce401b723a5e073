import type { ExecutionResult, GraphQLError } from 'graphql';
import { maskErrors } from './errors.js';

/** A value that is already JSON text. The response writer inserts it unchanged; for anything else it serialises to its value. */
export class RawJson {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * Serialises a result, with each error masked. Errors come first if there are any:
 * https://spec.graphql.org/October2021/#sec-Response-Format
 */
export function resultText({ data, errors, extensions }: ExecutionResult, publicForm: (error: GraphQLError) => object): string {
  const parts: string[] = [];
  if (errors) parts.push(`"errors":${JSON.stringify(maskErrors(errors, publicForm))}`);
  if (data !== undefined) parts.push(`"data":${dataText(data)}`);
  if (extensions) parts.push(`"extensions":${JSON.stringify(extensions)}`);
  return `{${parts.join(',')}}`;
}

const dataText = (data: unknown): string => (data instanceof RawJson ? data.text : JSON.stringify(data));
