import { LRUCache } from 'lru-cache';

/** Longer headers are not cached. */
const MAX_ACCEPT_CHARACTERS = 200;
const MAX_COUNT = 100;

/** `Accept` affects only the content type of responses, so the type that Apollo has negotiated for a header is cached. */
export class ContentTypes {
  private readonly known = new LRUCache<string, string>({ max: MAX_COUNT });

  /** The content type that Apollo used for this `Accept`; undefined if it is not known yet. */
  find(accept: string | undefined): string | undefined {
    return this.known.get(accept ?? '');
  }

  remember(accept: string | undefined, contentType: string): void {
    if ((accept?.length ?? 0) <= MAX_ACCEPT_CHARACTERS) this.known.set(accept ?? '', contentType);
  }
}
