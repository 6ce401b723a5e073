import { createHash } from 'node:crypto';

/** The last entry of a viewer's journal at a cut. */
export interface Head {
  readonly userId: string;
  readonly sequence: number;
  readonly hash: Buffer;
}

/** One step on the way from a leaf to the root: the other child of the node, and on which side it is. */
export interface PathStep {
  readonly side: 'L' | 'R';
  readonly hash: Buffer;
}

/** Different first bytes, so that no node passes for one of another kind. */
const LEAF = Buffer.of(0);
const INNER = Buffer.of(1);

const ID_BYTES = 16;
const SEQUENCE_END = 20;
export const HEAD_BYTES = 52;

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The heads in packed form, `HEAD_BYTES` each: id, sequence, hash. */
export function unpackHeads(packed: Buffer): Head[] {
  return Array.from({ length: packed.length / HEAD_BYTES }, (_, index) => {
    const head = packed.subarray(index * HEAD_BYTES, (index + 1) * HEAD_BYTES);
    const id = head.toString('hex', 0, ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    return { userId: id, sequence: head.readInt32BE(ID_BYTES), hash: head.subarray(SEQUENCE_END) };
  });
}

/** The leaves of packed heads. */
export const leavesOf = (packed: Buffer): Buffer[] =>
  Array.from({ length: packed.length / HEAD_BYTES }, (_, index) =>
    sha256(LEAF, packed.subarray(index * HEAD_BYTES, (index + 1) * HEAD_BYTES)),
  );

export const innerHash = (left: Buffer, right: Buffer): Buffer => sha256(INNER, left, right);

/** The tree over these nodes, level by level up to its root: a node without a sibling is also the node above it. At least one node. */
export function treeOver(nodes: readonly Buffer[]): Buffer[][] {
  const levels = [[...nodes]];
  for (let level = levels[0] as Buffer[]; level.length > 1; level = levels.at(-1) as Buffer[]) {
    const above: Buffer[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const [left, right] = [level[index] as Buffer, level[index + 1]];
      above.push(right ? innerHash(left, right) : left);
    }
    levels.push(above);
  }
  return levels;
}

/** The root of the tree over these nodes. */
export const rootOver = (nodes: readonly Buffer[]): Buffer => treeOver(nodes).at(-1)?.[0] as Buffer;

/** The path from the node at `index` to the root of its tree. */
export function pathFrom(levels: readonly (readonly Buffer[])[], index: number): PathStep[] {
  return levels.flatMap((level, height): PathStep[] => {
    const place = Math.floor(index / 2 ** height);
    const sibling = level[place ^ 1];
    return sibling ? [{ side: place % 2 === 1 ? 'L' : 'R', hash: sibling }] : [];
  });
}

/** The root that a path leads to. */
export const rootAt = (leaf: Buffer, path: readonly PathStep[]): Buffer =>
  path.reduce((node, { side, hash }) => (side === 'L' ? innerHash(hash, node) : innerHash(node, hash)), leaf);

/** The root of a tree whose nodes come one by one: memory grows with its height only. */
export class RunningRoot {
  /** Complete subtrees, each with half as many nodes as the one before it, or less. */
  private readonly subtrees: { readonly height: number; readonly hash: Buffer }[] = [];

  add(node: Buffer): void {
    let subtree = { height: 0, hash: node };
    for (let last = this.subtrees.at(-1); last?.height === subtree.height; last = this.subtrees.at(-1)) {
      this.subtrees.pop();
      subtree = { height: subtree.height + 1, hash: innerHash(last.hash, subtree.hash) };
    }
    this.subtrees.push(subtree);
  }

  /** SHA-256 of nothing for a tree without nodes. */
  root(): Buffer {
    const [last, ...others] = this.subtrees.map(({ hash }) => hash).reverse();
    return last ? others.reduce((right, left) => innerHash(left, right), last) : sha256();
  }
}
