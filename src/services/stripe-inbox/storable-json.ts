/** Half of a surrogate pair: no text that UTF-8 can carry. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** JSON that a jsonb column takes: Postgres knows neither NUL nor half a surrogate pair in a text. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === 'string' ? part.replaceAll('\0', '').replace(LONE_SURROGATE, '\u{FFFD}') : part,
  );
}
