import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { transpileOptions } from '../../scripts/transpile.js';

/**
 * Lets plain node run this project's TypeScript (`node --import ./test/support/typescript.js file.ts`), decorators included, by the
 * settings that Jest uses: for Jest's own set-up, which Jest does not compile.
 */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
      const asTypeScript = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      if (existsSync(asTypeScript)) return next(asTypeScript.href, context);
    }
    return next(specifier, context);
  },
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    const filename = fileURLToPath(url);
    const { code } = transformSync(readFileSync(filename, 'utf8'), { ...transpileOptions, sourceMaps: 'inline', filename });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
