import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, onRequestAsyncHookHandler } from 'fastify';

const resolver = createRequire(import.meta.url);

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The directory of package.json: the same for the sources and the build output. */
function packageDirectory(): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(directory, 'package.json'))) directory = path.dirname(directory);
  return directory;
}

/** A file of this package, such as `public/demo/demo.css`. */
export function ownFile(name: string): string {
  return path.join(packageDirectory(), name);
}

/** A file of an installed package, even one it does not export: `packageFile('react', 'umd/react.production.min.js')`. */
export function packageFile(packageName: string, name: string): string {
  const directories = resolver.resolve.paths(packageName) ?? [];
  for (const directory of directories) {
    const file = path.join(directory, packageName, name);
    if (existsSync(file)) return file;
  }
  throw new Error(`${packageName}/${name} is not installed`);
}

/** Headers for a page that loads nothing from other origins, cannot be framed and sends no referrer. */
export function setPageHeaders(reply: FastifyReply, contentSecurityPolicy: string): void {
  reply.header('content-security-policy', contentSecurityPolicy);
  reply.header('referrer-policy', 'no-referrer');
  reply.header('x-content-type-options', 'nosniff');
  reply.header('x-frame-options', 'DENY');
}

/**
 * Serves files at fixed paths. They are read once at startup; nothing else on the disk can be reached. `files` maps paths to files.
 * `onRequest` runs first, and may respond instead.
 */
export function serveFiles(
  app: FastifyInstance,
  files: Readonly<Record<string, string>>,
  contentSecurityPolicy: string,
  onRequest: onRequestAsyncHookHandler[] = [],
): void {
  for (const [address, file] of Object.entries(files)) {
    const content = readFileSync(file);
    const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    const contentType = contentTypes[path.extname(file)] ?? 'application/octet-stream';
    app.get(address, { onRequest }, (request, reply) => {
      setPageHeaders(reply, contentSecurityPolicy);
      reply.header('etag', tag).header('cache-control', 'no-cache');
      if (request.headers['if-none-match'] === tag) return reply.code(304).send();
      return reply.type(contentType).send(content);
    });
  }
}
