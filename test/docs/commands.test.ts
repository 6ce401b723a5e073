import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const pages = [
  ...globSync('*.md'),
  ...globSync('docs/**/*.md'),
  ...globSync('examples/*.md'),
  ...globSync('{src,packages}/**/README.md', { exclude: (file) => file.includes('node_modules') }),
];
const scripts = scriptsOf('package.json');

function scriptsOf(file: string): Record<string, string> {
  return (JSON.parse(readFileSync(file, 'utf8')) as { scripts: Record<string, string> }).scripts;
}

/** The scripts that a text runs by name. `npm test` and `npm start` are scripts too. */
function scriptsRunIn(text: string): Set<string> {
  const named = [...text.matchAll(/\bnpm (?:run(?: --?[\w=]+)* ([\w:-]+)|(test|start)\b)/g)];
  return new Set(named.map((match) => match[1] ?? match[2] ?? ''));
}

describe('the commands that the docs and CI name', () => {
  it.each(pages)('are scripts that are there: %s', (page) => {
    const known = new Set(Object.keys(scripts));
    if (page.startsWith('examples')) for (const name of Object.keys(scriptsOf('examples/package.json'))) known.add(name);
    expect([...scriptsRunIn(readFileSync(page, 'utf8'))].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(pages)('work on files that are there: %s', (page) => {
    const text = readFileSync(page, 'utf8').replace(/\]\([^)]*\)/g, ']');
    const named = [...text.matchAll(/(?<![\w./-])(?:test|src|scripts|migrations|public|docs)\/[\w./-]*\w/g)].map(
      ([name]) => name,
    );
    const missing = [...new Set(named)].filter((name) => globSync([name, `${name}.*`]).length === 0);
    expect(missing).toEqual([]);
  });

  it('README, CONTRIBUTING and the docs name some', () => {
    const named = pages.flatMap((page) => [...scriptsRunIn(readFileSync(page, 'utf8'))]);
    expect(new Set(named).size).toBeGreaterThan(15);
  });

  it('npm run check does all that CI does, here and there, and npm run full what takes longer', () => {
    const check = [...scriptsRunIn(scripts.check ?? '')].sort();
    expect(check).toEqual(['bench:check', 'checks', 'documented', 'smoke', 'test', 'torture']);
    expect(
      [...scriptsRunIn(readFileSync('.ci/run', 'utf8').replace(/^ *#.*$/gm, ''))].filter((name) => name !== 'start').sort(),
    ).toEqual(check);
    const full = ['bench', 'check', 'fuzz', 'killed', 'mutants', 'soak', 'takeover', 'torture:full', 'workers'];
    expect([...scriptsRunIn(scripts.full ?? '')].sort()).toEqual(full);
    const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
    expect([...scriptsRunIn(workflow.replace(/^ *#.*$/gm, ''))].sort()).toEqual([...check, 'full'].sort());
  });

  it('the actions of CI are pinned by commit, with their version beside it', () => {
    const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
    const uses = [...workflow.matchAll(/^ +- uses: (.+)$/gm)].map((match) => match[1]);
    expect(uses.length).toBeGreaterThan(2);
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(workflow).toMatch(/^permissions:\n {2}contents: read\n/m);
  });
});
