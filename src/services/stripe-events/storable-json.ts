/** Half of a surrogate pair, which UTF-8 cannot encode. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** How JSON.stringify writes characters that cannot be stored: https://tc39.es/ecma262/#sec-quotejsonstring */
const UNSTORABLE = /\\u(0000|d[89a-f])/;

/** Returns JSON that a jsonb column accepts: Postgres allows neither NUL nor half a surrogate pair in a string. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // An escaped backslash before `u0000` matches as well; the slow path handles it correctly.
  return UNSTORABLE.test(json) ? JSON.stringify(value, (_key, part) => storablePart(part)) : json;
}

const storablePart = (part: unknown) =>
  typeof part === 'string' ? part.replaceAll('\0', '').replace(LONE_SURROGATE, '\u{FFFD}') : part;
