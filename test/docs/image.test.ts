import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const stages = readFileSync('Dockerfile', 'utf8')
  .replace(/^ *#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split(/^(?=FROM )/m);
const [build = '', served = ''] = stages;
const instructions = (stage: string, name: string) =>
  [...stage.matchAll(new RegExp(`^${name} +(.+)$`, 'gm'))].map((match) => match[1]);

describe('the image', () => {
  test('is built in one stage and served from another, which has no compiler and no dependencies of development', () => {
    expect(stages).toHaveLength(2);
    expect(instructions(build, 'FROM')).toEqual([expect.stringMatching(/ AS build$/)]);
    expect(build).toContain('npm ci --ignore-scripts');
    expect(build).toContain('npm prune --omit=dev --ignore-scripts');
    expect(instructions(served, 'RUN')).toEqual([]);
    expect(instructions(served, 'COPY').filter((copy) => copy?.startsWith('--from'))).toEqual([
      '--from=build /app/node_modules node_modules',
      '--from=build /app/dist dist',
    ]);
  });

  test('does not run as root, is asked whether it is well, and ends by SIGTERM', () => {
    expect(instructions(served, 'USER')).toEqual(['node']);
    expect(instructions(served, 'STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(instructions(served, 'HEALTHCHECK')).toEqual([expect.stringContaining('/healthz')]);
    // Without a shell in between, which would keep the signal to itself.
    expect(instructions(served, 'CMD')).toEqual(['["node", "--enable-source-maps", "dist/src/main.js"]']);
    expect(instructions(served, 'ENV')[0]).toMatch(/\bNODE_ENV=production\b/);
  });

  test('takes from the working copy only what .dockerignore lets in, and all of that is there', () => {
    const [everything, ...letIn] = readFileSync('.dockerignore', 'utf8').trim().split('\n');
    expect(everything).toBe('*');
    const copied = stages
      .flatMap((stage) => instructions(stage, 'COPY'))
      .filter((copy) => !copy?.startsWith('--from'))
      .flatMap((copy) => copy?.split(/ +/).slice(0, -1) ?? []);
    expect(copied.length).toBeGreaterThan(8);
    for (const name of copied) expect([name, letIn.includes(`!${name}`), existsSync(name)]).toEqual([name, true, true]);
    expect(letIn.map((line) => line.slice(1)).filter((name) => !copied.includes(name))).toEqual([]);
  });
});
