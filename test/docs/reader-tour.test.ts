import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const MAX_README_LINES = 60;
const HEADINGS = ['Model.', 'Owns', 'Invariants', 'Flow', 'Does not'];
const readmes = globSync('src/services/*/').map((folder) => path.join(folder, 'README.md'));

interface Walk {
  readonly title: string;
  readonly count: number;
  readonly files: readonly string[];
}

function walks(): Walk[] {
  const tour = readFileSync('docs/architecture.md', 'utf8').split('## The four walks\n')[1] ?? '';
  return tour
    .split(/^### /m)
    .slice(1)
    .map((text) => ({
      title: text.split('\n', 1)[0] ?? '',
      count: Number(/: (\d+) files/.exec(text)?.[1]),
      files: [...text.matchAll(/^\d+\. `([^`]+)`/gm)].map((match) => match[1] ?? ''),
    }));
}

describe("the reader's tour of docs/architecture.md", () => {
  it('has four walks', () => {
    expect(walks().length).toBe(4);
  });

  it.each(walks())('lists as many files as its heading says, each once and each present: $title', ({ count, files }) => {
    expect(files.length).toBe(count);
    expect([...new Set(files)]).toEqual(files);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });
});

describe('the READMEs of the services', () => {
  it('exist in every folder of src/services', () => {
    expect(readmes.length).toBeGreaterThan(10);
    expect(readmes.filter((readme) => !existsSync(readme))).toEqual([]);
  });

  it.each(readmes)('have at most 60 lines, and say Model, Owns, Invariants, Flow and Does not: %s', (readme) => {
    const text = readFileSync(readme, 'utf8');
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(MAX_README_LINES);
    expect(HEADINGS.filter((heading) => !text.includes(`\n**${heading}**`))).toEqual([]);
  });

  it.each(readmes)('name only files that exist: %s', (readme) => {
    const names = [...readFileSync(readme, 'utf8').matchAll(/`([\w/-]+\.ts)`/g)].map((match) => match[1] ?? '');
    const found = (name: string) =>
      [path.join(path.dirname(readme), name), path.join('src/services', name), path.join('src', name), name].some(existsSync);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !found(name))).toEqual([]);
  });
});
