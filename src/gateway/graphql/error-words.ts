import type { GraphQLError } from 'graphql';

/** Long enough for a person to read. */
const MAX_MESSAGE_CHARACTERS = 300;

/** GraphQL's own messages that echo a value, and their replacements. The value comes last in each. */
const ECHOES: readonly [echo: RegExp, without: string][] = [
  [/^(Argument "\w+") has invalid value [\s\S]*$/, '$1 has an invalid value.'],
  [/^((?:Int|Float|String|Boolean|ID|Enum "\w+") cannot represent [\w -]*value): [\s\S]*$/, '$1.'],
  // Suggestions may follow, which are names from the schema.
  [/^Value "[\s\S]*" does not exist in "(\w+)" enum\./, 'The value does not exist in "$1" enum.'],
  [/^(Syntax Error: [\s\S]*?\b(?:BlockString|String|Int|Float)) "[\s\S]*$/, '$1.'],
  [/^(Syntax Error: Invalid [\w ]+ sequence): [\s\S]*$/, '$1.'],
  [/^(Syntax Error: Invalid number[^:]*): [\s\S]*$/, '$1.'],
];

/** Messages with a value in the middle: the text before it. After it comes the message of an inner error. */
const BEFORE_A_VALUE: readonly RegExp[] = [
  /^(Variable "\$\w+" got) invalid value /,
  /^(Expected value of type "[\w![\]]+"), found /,
];

/**
 * An error's message for its caller, without values. GraphQL echoes literals, variables and tokens in its messages, at any length; they
 * may be secrets, and the message may be logged. Names of fields, types and variables are kept.
 */
export function wordsOf(error: Pick<GraphQLError, 'message' | 'originalError'>): string {
  return cut(withoutValues(error), MAX_MESSAGE_CHARACTERS);
}

/** Truncates a text to at most `maxCharacters`. */
export function cut(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  // Does not split a surrogate pair.
  return `${text.slice(0, maxCharacters - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

function withoutValues({ message, originalError }: Pick<GraphQLError, 'message' | 'originalError'>): string {
  for (const pattern of BEFORE_A_VALUE) {
    const [, beginning] = pattern.exec(message) ?? [];
    if (beginning !== undefined) return withoutValueInside(beginning, message, originalError);
  }
  for (const [echo, without] of ECHOES) if (echo.test(message)) return message.replace(echo, without);
  return message;
}

/** `Variable "$x" got invalid value {…} at "x.amount"; Expected …`: the value may contain anything, so it is found from both ends. */
function withoutValueInside(beginning: string, message: string, originalError: Error | undefined): string {
  const reason = reasonIn(message, originalError);
  const end = reason ? message.length - reason.message.length : message.length;
  // A path starts with the variable, followed only by names of the schema's input fields and indexes.
  const [, variable = ''] = /^Variable "\$(\w+)"/.exec(beginning) ?? [];
  const [, at] = new RegExp(` at "(${variable}[\\w.[\\]]+)"; `).exec(message.slice(beginning.length, end)) ?? [];
  const place = variable && at ? ` at "${cut(at, 100)}"` : '';
  // Worded so that it does not match GraphQL's own message again.
  const start = variable ? `${beginning} an invalid value${place}` : beginning;
  return reason ? `${start}; ${withoutValues(reason as GraphQLError)}` : `${start}.`;
}

const SEPARATOR = '; ';

/** The inner error whose message ends this one. Errors with an added code contain the original one level deeper. */
function reasonIn(message: string, error: Error | undefined): Error | undefined {
  for (let inner = error; inner; inner = (inner as Partial<GraphQLError>).originalError) {
    if (message !== inner.message && message.endsWith(SEPARATOR + inner.message)) return inner;
  }
  return undefined;
}
