import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Instrumenter } from '@stryker-mutator/instrumenter';

const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {}, trace() {}, isDebugEnabled: () => false };

/** Texts longer than this are cut where a mutant is written down. */
const MAX_LENGTH = 100;

function oneLine(text) {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
}

const codeSpan = (text) => (text.includes('`') ? `\`\` ${oneLine(text)} \`\`` : `\`${oneLine(text)}\``);

const change = ({ original, replacement }) => `${codeSpan(original)} → ${codeSpan(replacement)}`;

/** The line of code and what is replaced in it, as Markdown. Without its number, a survivor is recognised while the file changes. */
export const describe = (mutant) => `${codeSpan(mutant.line)}: ${change(mutant)}`;

/** Identifies a mutant within one run. Lines and columns count from 0. */
export const placeOf = ({ fileName, location, replacement }) =>
  [fileName, location.start.line, location.start.column, location.end.line, location.end.column, replacement].join(':');

/** The name of a prepared statement, or its text, whose damage any test of the statement notices: `statement('name')` and what follows. */
const isOfStatement = ({ mutatorName }, before) =>
  mutatorName === 'StringLiteral' && /\bstatement(<[^()]*>)?\(('[^']*'\))?$/.test(before);

/** Returns the mutants that Stryker makes of these files, with the text that each replaces, but for texts of SQL. */
export async function listMutants(fileNames) {
  const mutants = [];
  for (const fileName of fileNames) {
    const content = readFileSync(fileName, 'utf8');
    const options = { plugins: null, excludedMutations: [], ignorers: [] };
    const { mutants: made } = await new Instrumenter(silent).instrument([{ name: fileName, mutate: true, content }], options);
    const lines = content.split('\n');
    for (const { mutatorName, location, replacement } of made) {
      const line = lines[location.start.line];
      const mutant = { fileName, mutatorName, location, replacement, line, original: textAt(lines, location) };
      if (!isOfStatement(mutant, line.slice(0, location.start.column))) mutants.push(mutant);
    }
  }
  return mutants;
}

function textAt(lines, { start, end }) {
  if (start.line === end.line) return lines[start.line].slice(start.column, end.column);
  const between = lines.slice(start.line + 1, end.line);
  return [lines[start.line].slice(start.column), ...between, lines[end.line].slice(0, end.column)].join('\n');
}

/**
 * Orders mutants by a hash of the seed and of what they change: the first ones are a sample. A change of a source replaces the mutants of
 * the lines that it touches and leaves the rest of the sample as it was.
 */
export function shuffle(mutants, seed) {
  const occurrences = new Map();
  const ranked = mutants.map((mutant) => {
    const key = `${mutant.fileName} ${change(mutant)}`;
    const occurrence = occurrences.get(key) ?? 0;
    occurrences.set(key, occurrence + 1);
    return { mutant, rank: createHash('sha256').update(`${seed} ${key} ${occurrence}`).digest('hex') };
  });
  return ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1)).map(({ mutant }) => mutant);
}
