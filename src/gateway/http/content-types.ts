import { LRUCache } from 'lru-cache';

/** Longer headers than this are not worth remembering. */
const MAX_ACCEPT_CHARACTERS = 200;
const MAX_COUNT = 100;

/** Answers differ by `Accept` in their content type alone: what Apollo has negotiated for a header, it need not be asked again. */
export class ContentTypes {
  private readonly known = new LRUCache<string, string>({ max: MAX_COUNT });

  /** What Apollo answered to this `Accept` with; undefined when it was not asked yet. */
  find(accept: string | undefined): string | undefined {
    return this.known.get(accept ?? '');
  }

  remember(accept: string | undefined, contentType: string): void {
    if ((accept?.length ?? 0) <= MAX_ACCEPT_CHARACTERS) this.known.set(accept ?? '', contentType);
  }
}
