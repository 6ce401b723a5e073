import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';

describe('the package', () => {
  it('ships the contract, the pages, the migrations and what was built, and nothing that is only ours', () => {
    // A registry is never asked, and no script of ours is run.
    const text = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], { encoding: 'utf8' });
    const [{ files }] = JSON.parse(text) as [{ files: { path: string }[] }];
    const paths = files.map((file) => file.path);
    for (const needed of [
      'schema.graphql',
      'public/demo/index.html',
      'public/playground/index.html',
      'dist/src/main.js',
      'dist/src/worker.js',
      'dist/src/cli/migrate.js',
      'dist/src/demo/films.json',
    ])
      expect(paths).toContain(needed);
    expect(paths.filter((path) => path.startsWith('migrations/')).length).toBeGreaterThan(0);
    expect(paths.filter((path) => /^(test|bench|node_modules|\.)/.test(path))).toEqual([]);
  });
});
