import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transformFile } from '@swc/core';

/** The settings of tsconfig.json for swc, which strips the types of one file at a time, in milliseconds. */
export const transpileOptions = {
  module: { type: 'es6' },
  jsc: {
    target: 'es2023',
    keepClassNames: true,
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    // Node imports JSON only with its attribute.
    experimental: { keepImportAttributes: true },
  },
};

/** A package's sources are compiled into its own `dist`. */
function outputOf(file) {
  const output = file.replace(/\.ts$/, '.js');
  return output.startsWith('packages/') ? output.replace('/src/', '/dist/') : path.join('dist', output);
}

/** Writes the output of one source below its `dist`, with its source map. Throws on a syntax error, with a message that shows where. */
export async function transpile(file) {
  const output = outputOf(file);
  const sourceFileName = path.relative(path.dirname(output), file);
  const { code, map } = await transformFile(file, { ...transpileOptions, sourceMaps: true, sourceFileName });
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(`${output}.map`, map);
  writeFileSync(output, `${code}\n//# sourceMappingURL=${path.basename(output)}.map\n`);
}

/** Removes the output of a deleted source. */
export function forget(file) {
  for (const name of [outputOf(file), `${outputOf(file)}.map`]) rmSync(name, { force: true });
}
