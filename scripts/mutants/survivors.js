import { readFileSync } from 'node:fs';
import { describe } from './list.js';

/** Where each survivor is listed below its file's name, with the reason why no test notices it. */
export const LIST = 'docs/mutants.md';

const lineStart = (mutant) => `- ${describe(mutant)}: `;

/** Compares a run with the list: survivors that it does not explain, and lines whose mutants this run killed. */
export function compareWithList(survivors, killed) {
  const listed = readList();
  const isListed = (mutant) => listed.get(mutant.fileName)?.some((line) => line.startsWith(lineStart(mutant))) ?? false;
  return { unlisted: survivors.filter((mutant) => !isListed(mutant)), outdated: killed.filter(isListed) };
}

/** Lines to paste into the list, without their reasons. */
export function linesFor(mutants) {
  const byFile = Map.groupBy(mutants, ({ fileName }) => fileName);
  return [...byFile].flatMap(([fileName, some]) => [
    `## \`${fileName}\``,
    '',
    ...some.map((mutant) => `${lineStart(mutant)}(line ${mutant.location.start.line + 1}, ${mutant.status})`),
    '',
  ]);
}

/** Files by name, each with the lines that have a reason. */
function readList() {
  const lines = new Map();
  let fileName;
  for (const line of readFileSync(LIST, 'utf8').split('\n')) {
    if (line.startsWith('#')) fileName = /^## `(.+)`$/.exec(line)?.[1];
    else if (fileName && /^- .+: \S/.test(line)) lines.set(fileName, [...(lines.get(fileName) ?? []), line]);
  }
  return lines;
}
