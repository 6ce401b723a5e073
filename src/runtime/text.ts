/**
 * Unicode's stream-safe format allows no more in a row (https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format): the time to
 * normalise a run of combining marks grows with the square of its length.
 */
const TOO_MANY_MARKS = /\p{M}{31}/u;
/** White space, control and format characters, and characters that are shown as nothing. */
const VISIBLE = /[^\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** A character in NFC takes up to 12 bytes in UTF-8 when it is sent decomposed. */
const MAX_BYTES_PER_CHARACTER = 12;

/** Whether UTF-8 and Postgres can hold it: neither has halves of surrogate pairs, and Postgres has no NUL. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** The form in which texts are counted, stored and compared, so that the same words are the same text. */
export const normalised = (text: string): string => text.normalize('NFC');

/**
 * Why a text cannot be accepted, as a sentence that begins with `what` ("A title"); null when it can. Its length is counted in code
 * points of its normalised form, as Postgres does; its bytes are counted before anything else.
 */
export function textFault(
  what: string,
  text: string,
  { minimum, maximum }: { readonly minimum: 0 | 1; readonly maximum: number },
): string | null {
  const length = `${what} has ${minimum === 1 ? '1' : 'up'} to ${maximum} characters.`;
  if (Buffer.byteLength(text) > maximum * MAX_BYTES_PER_CHARACTER) return length;
  if (!isStorable(text)) return `${what} has no character NUL and no half of a surrogate pair.`;
  if (TOO_MANY_MARKS.test(text)) return `${what} has at most 30 combining marks in a row.`;
  if ([...normalised(text)].length > maximum) return length;
  if (minimum === 1 && !VISIBLE.test(text)) return length;
  return null;
}
