import type { FormValue } from './form-body.js';
import type { Reader } from './parameters.js';
import { invalidRequest } from './stripe-error.js';

/** Stripe's limits: https://docs.stripe.com/api/metadata */
const MAX_KEYS = 50;
const MAX_KEY_LENGTH = 40;
const MAX_VALUE_LENGTH = 500;

/** A change of metadata: an empty value unsets a key, null unsets all. */
export type MetadataChange = Record<string, string> | null;

export function metadata(): Reader<MetadataChange | undefined> {
  return (value, path) => {
    if (value === undefined) return undefined;
    if (value === '') return null;
    if (typeof value === 'string') throw invalidRequest('Invalid object', { param: path });
    const read: Record<string, string> = {};
    for (const [key, entry] of Object.entries(value)) read[key] = checkEntry(key, entry, path);
    return read;
  };
}

function checkEntry(key: string, value: FormValue, path: string): string {
  const param = `${path}[${key}]`;
  if (typeof value === 'object') throw invalidRequest('Metadata values must be strings.', { param });
  if (key.length > MAX_KEY_LENGTH) {
    throw invalidRequest(`Metadata keys must be at most ${MAX_KEY_LENGTH} characters long.`, { param });
  }
  if (value.length > MAX_VALUE_LENGTH) {
    throw invalidRequest(`Metadata values can have up to ${MAX_VALUE_LENGTH} characters, ${value.length} were given.`, {
      param,
    });
  }
  return value;
}

/** Returns the metadata after a change: keys are merged, as at Stripe. */
export function mergeMetadata(current: Record<string, string>, change: MetadataChange | undefined): Record<string, string> {
  if (change === undefined) return current;
  if (change === null) return {};
  const merged = { ...current, ...change };
  for (const [key, value] of Object.entries(change)) if (value === '') delete merged[key];
  if (Object.keys(merged).length > MAX_KEYS) {
    throw invalidRequest(`Metadata can have up to ${MAX_KEYS} keys.`, { param: 'metadata' });
  }
  return merged;
}
