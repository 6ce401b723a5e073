import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** A body in a form that this server does not read; the message is for the client. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody';

  constructor(
    readonly statusCode: 400 | 415,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads JSON in UTF-8, the only form it has between systems (https://www.rfc-editor.org/rfc/rfc8259#section-8.1). Fastify reads any
 * body as UTF-8, whatever its headers say, and puts U+FFFD in the place of bytes that are none: texts would be stored changed.
 */
export function readJsonInUtf8(app: FastifyInstance): void {
  // A variable may be called `__proto__`: JSON.parse makes it a property like any other, and nothing here merges bodies.
  const parse = app.getDefaultJsonParser('ignore', 'ignore');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const refusal = refusalOf(request, body);
    if (refusal) done(refusal);
    else parse(request, body.toString(), done);
  });
}

function refusalOf({ headers }: FastifyRequest, body: Buffer): UnreadableBody | null {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new UnreadableBody(415, 'The body must not be compressed.');
  }
  if (!isDeclaredAsUtf8(headers['content-type'] ?? '')) return new UnreadableBody(415, 'The body must be in UTF-8.');
  return isUtf8(body) ? null : new UnreadableBody(400, 'The body is not valid UTF-8.');
}

/** Without a charset it is UTF-8. */
function isDeclaredAsUtf8(contentType: string): boolean {
  const charsets = contentType.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi);
  return [...charsets].every(([, charset]) => /^utf-?8$/i.test(charset ?? ''));
}
