import type { ExecutionResult, GraphQLError } from 'graphql';
import { maskErrors } from './errors.js';

/** A value that is JSON text already: what writes the answer may pass it on as it is; anything else finds the value in it. */
export class RawJson {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * A result as JSON text, with each error in its public form. https://spec.graphql.org/October2021/#sec-Response-Format: errors
 * come first where there are some.
 */
export function resultText({ data, errors, extensions }: ExecutionResult, publicForm: (error: GraphQLError) => object): string {
  const parts: string[] = [];
  if (errors) parts.push(`"errors":${JSON.stringify(maskErrors(errors, publicForm))}`);
  if (data !== undefined) parts.push(`"data":${dataText(data)}`);
  if (extensions) parts.push(`"extensions":${JSON.stringify(extensions)}`);
  return `{${parts.join(',')}}`;
}

const dataText = (data: unknown): string => (data instanceof RawJson ? data.text : JSON.stringify(data));
