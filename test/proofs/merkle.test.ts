import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { pathFrom, RunningRoot, rootAt, rootOver, treeOver } from '../../src/services/proofs/merkle.js';
import { merkleRoot } from './independent.js';

const node = (index: number) => createHash('sha256').update(`node ${index}`).digest();
const nodes = (count: number) => Array.from({ length: count }, (_, index) => node(index));
const running = (all: readonly Buffer[]) => {
  const tree = new RunningRoot();
  for (const each of all) tree.add(each);
  return tree.root();
};

describe('The root of a Merkle tree', () => {
  test('is that of RFC 6962 for every number of nodes, whether they come at once or one by one', () => {
    for (let count = 1; count <= 70; count++) {
      const expected = merkleRoot(nodes(count));
      expect(rootOver(nodes(count))).toEqual(expected);
      expect(running(nodes(count))).toEqual(expected);
    }
  });

  test('is that of its blocks of 256, the last of which may be smaller', () => {
    for (const count of [255, 256, 257, 511, 512, 513, 1_000, 1_024, 1_025]) {
      const all = nodes(count);
      const blocks: Buffer[] = [];
      for (let start = 0; start < count; start += 256) blocks.push(rootOver(all.slice(start, start + 256)));
      expect(running(blocks)).toEqual(merkleRoot(all));
    }
  });

  test('of no nodes is the hash of nothing', () => {
    expect(running([])).toEqual(merkleRoot([]));
  });

  test('differs when any two nodes are swapped, and when one is repeated', () => {
    const expected = rootOver(nodes(7));
    for (let index = 0; index < 6; index++) {
      const swapped = nodes(7);
      [swapped[index], swapped[index + 1]] = [node(index + 1), node(index)];
      expect(rootOver(swapped)).not.toEqual(expected);
    }
    expect(rootOver([...nodes(7), node(6)])).not.toEqual(expected);
  });
});

test('The path of every node of every tree leads to the root, and no other node does', () => {
  for (let count = 1; count <= 33; count++) {
    const levels = treeOver(nodes(count));
    const root = rootOver(nodes(count));
    for (let index = 0; index < count; index++) {
      const path = pathFrom(levels, index);
      expect(rootAt(node(index), path)).toEqual(root);
      expect(rootAt(node(index + 1), path)).not.toEqual(root);
      expect(path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
    }
  }
});
