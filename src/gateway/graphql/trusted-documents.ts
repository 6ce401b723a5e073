import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError } from 'graphql';
import { z } from 'zod';
import { configurationError } from '../../config/env.js';

/** What a client sends, over either transport, as far as it matters here. */
export interface SentOperation {
  readonly query?: unknown;
  readonly extensions?: unknown;
}

/**
 * The manifest of trusted operations, in either form that tools write: `{"operations": [{"id", "body"}]}`, as Apollo's, or one
 * object of texts by id, as Relay's.
 */
const manifestSchema = z.union([
  z.object({ operations: z.array(z.object({ id: z.string(), body: z.string() })) }),
  z.record(z.string(), z.string()),
]);

/** Only operations of a manifest, found by their id or recognised by their text. */
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
   * The text to run. Ends in PERSISTED_QUERY_NOT_FOUND for an id that is not in the manifest, and in OPERATION_NOT_TRUSTED for
   * a text that is not.
   */
  resolveText({ query, extensions }: SentOperation): string {
    const id = (extensions as { persistedQuery?: { sha256Hash?: unknown } } | null | undefined)?.persistedQuery?.sha256Hash;
    if (typeof id === 'string') {
      const text = this.texts.get(id) ?? this.texts.get(`sha256:${id}`);
      if (text !== undefined) return text;
      throw refusal('PERSISTED_QUERY_NOT_FOUND', 'There is no operation of that id in the manifest.');
    }
    if (typeof query === 'string' && this.hashes.has(hashOf(query))) return query;
    throw refusal('OPERATION_NOT_TRUSTED', 'Only operations of the manifest are served here.');
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
