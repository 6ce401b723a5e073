import type { ASTNode, DocumentNode } from 'graphql';

/** Heap used by one node and its location, measured with Node 24 and rounded up. */
const NODE_BYTES = 250;
/** For the text, its source object and everything else kept once per document. */
const DOCUMENT_BYTES = 2_048;

/**
 * Drops the tokens that the parser attaches to each node: nothing reads them after validation, and they are half of a document's heap.
 * Errors keep their line and column. Returns roughly how many bytes of heap the document then retains.
 */
export function compactDocument(document: DocumentNode, text: string): number {
  let nodes = 0;
  const visit = (node: ASTNode) => {
    nodes += 1;
    if (node.loc) Object.assign(node.loc, { startToken: undefined, endToken: undefined });
    for (const value of Object.values(node) as unknown[]) {
      if (Array.isArray(value)) for (const item of value) visit(item as ASTNode);
      else if (isNode(value)) visit(value);
    }
  };
  visit(document);
  // The text is both the key and the source, and its characters may take two bytes each.
  return DOCUMENT_BYTES + 4 * text.length + nodes * NODE_BYTES;
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'kind' in value;
