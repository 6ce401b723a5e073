/**
 * Unicode's stream-safe format allows at most 30 in a row (https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format): the time to
 * normalise a run of combining marks is quadratic in its length.
 */
const TOO_MANY_MARKS = /\p{M}{31}/u;
/** A character other than white space, control and format characters, and invisible characters. */
const VISIBLE = /[^\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** A character in NFC takes up to 12 bytes in UTF-8 if it is sent decomposed. */
const MAX_BYTES_PER_CHARACTER = 12;

/** Whether UTF-8 and Postgres can store it: neither allows lone surrogates, and Postgres does not allow NUL. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** The form in which texts are counted, stored and compared, so that equal text has equal bytes. */
export const normalised = (text: string): string => text.normalize('NFC');

/**
 * Why a text is invalid, as a sentence that starts with `what` ("A title"); null if it is valid. Its length is counted in code points of
 * its normalised form, as Postgres does; its bytes are checked before anything else.
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
