/** Half of a surrogate pair: no text that UTF-8 can carry. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** How JSON.stringify writes what cannot be stored: https://tc39.es/ecma262/#sec-quotejsonstring */
const UNSTORABLE = /\\u(0000|d[89a-f])/;

/** JSON that a jsonb column takes: Postgres knows neither NUL nor half a surrogate pair in a text. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // A backslash before `u0000` in a text matches as well; the slow way is right for it too.
  return UNSTORABLE.test(json) ? JSON.stringify(value, (_key, part) => storablePart(part)) : json;
}

const storablePart = (part: unknown) =>
  typeof part === 'string' ? part.replaceAll('\0', '').replace(LONE_SURROGATE, '\u{FFFD}') : part;
