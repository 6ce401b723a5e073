import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError } from 'graphql';
import { z } from 'zod';
import { configurationError } from '../../config/env.js';

/** The relevant part of a client's request, over either transport. */
export interface SentOperation {
  readonly query?: unknown;
  readonly extensions?: unknown;
}

/**
 * The manifest of trusted operations, in one of the usual formats: Apollo's `{"operations": [{"id", "body"}]}`, or Relay's object of texts
 * by id.
 */
const manifestSchema = z.union([
  z.object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) }),
  z.record(z.string(), z.string()),
]);

/** The operations of a manifest, found by id or text. */
export class TrustedOperations {
  private readonly texts: ReadonlyMap<string, string>;
  private readonly hashes: ReadonlySet<string>;

  /** @throws StartupError when the file cannot be read or is not a manifest */
  constructor(file: string) {
    const data = readManifest(file);
    this.texts = Array.isArray(data.operations)
      ? new Map(data.operations.map(({ id, body }) => [id, body]))
      : new Map(Object.entries(data as Record<string, string>));
    this.hashes = new Set([...this.texts.values()].map(hashOf));
  }

  /**
   * The text to run.
   *
   * @throws PERSISTED_QUERY_NOT_FOUND for an id that is not in the manifest, and OPERATION_NOT_TRUSTED for a text that is not
   */
  resolveText({ query, extensions }: SentOperation): string {
    const id = (extensions as { persistedQuery?: { sha256Hash?: unknown } } | null | undefined)?.persistedQuery?.sha256Hash;
    if (typeof id === 'string') {
      const text = this.texts.get(id) ?? this.texts.get(`sha256:${id}`);
      if (text !== undefined) return text;
      throw refusal('PERSISTED_QUERY_NOT_FOUND', 'The manifest has no operation with that id.');
    }
    if (typeof query === 'string' && this.hashes.has(hashOf(query))) return query;
    throw refusal('OPERATION_NOT_TRUSTED', 'Only operations in the manifest are allowed.');
  }
}

function readManifest(file: string): z.infer<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const wrong = code === undefined ? 'is not a manifest of persisted operations' : `cannot be read (${code})`;
    throw configurationError([
      { variable: 'PERSISTED_OPERATIONS_FILE', wrong: `${file} ${wrong}`, remedy: 'Set the path of the manifest.' },
    ]);
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const refusal = (code: string, message: string) => new GraphQLError(message, { extensions: { code } });
