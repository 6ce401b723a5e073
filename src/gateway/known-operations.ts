import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** An operation that was parsed, validated and served before, under the same text and name. */
export interface KnownOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | undefined;
  /** The first root field: what metrics call it by. */
  readonly rootField: string;
}

/** Answers differ by `Accept` in their content type alone; longer headers than this are not worth remembering. */
const LONGEST_ACCEPT_CHARACTERS = 200;
const ACCEPT_COUNT = 100;

/**
 * What Apollo has accepted before. It checks a request's form, then parses and validates the text: the same text gets the same
 * verdict each time, so it need not be asked again. Whatever is not known goes to Apollo.
 */
export class KnownOperations {
  private readonly operations: LRUCache<string, KnownOperation>;
  private readonly contentTypes = new LRUCache<string, string>({ max: ACCEPT_COUNT });

  constructor(largestCount: number) {
    this.operations = new LRUCache({ max: largestCount });
  }

  find(text: string, operationName: string | undefined): KnownOperation | undefined {
    return this.operations.get(keyOf(text, operationName));
  }

  remember(text: string, known: KnownOperation): void {
    this.operations.set(keyOf(text, known.operationName), known);
  }

  /** What Apollo answered to this `Accept` with. */
  contentTypeFor(accept: string | undefined): string | undefined {
    return this.contentTypes.get(accept ?? '');
  }

  rememberContentType(accept: string | undefined, contentType: string): void {
    if ((accept?.length ?? 0) <= LONGEST_ACCEPT_CHARACTERS) this.contentTypes.set(accept ?? '', contentType);
  }
}

/** A name has no line breaks. */
const keyOf = (text: string, operationName: string | undefined) =>
  operationName === undefined ? text : `${operationName}\n${text}`;
