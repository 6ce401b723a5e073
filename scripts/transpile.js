import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transformFile } from '@swc/core';

/** What tsconfig.json says, in the words of swc: it takes the types off and looks at one file at a time, in milliseconds. */
export const transpileOptions = {
  module: { type: 'es6' },
  jsc: {
    target: 'es2023',
    keepClassNames: true,
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
  },
};

const outputOf = (file) => path.join('dist', file.replace(/\.ts$/, '.js'));

/** Writes the output of one source below `dist`, with its map. Fails on bad syntax with a text that shows where. */
export async function transpile(file) {
  const output = outputOf(file);
  const sourceFileName = path.relative(path.dirname(output), file);
  const { code, map } = await transformFile(file, { ...transpileOptions, sourceMaps: true, sourceFileName });
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(`${output}.map`, map);
  writeFileSync(output, `${code}\n//# sourceMappingURL=${path.basename(output)}.map\n`);
}

/** Takes away the output of a source that is gone. */
export function forget(file) {
  for (const name of [outputOf(file), `${outputOf(file)}.map`]) rmSync(name, { force: true });
}
