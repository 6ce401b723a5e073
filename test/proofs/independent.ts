import { createHash, createPublicKey, verify } from 'node:crypto';

/** The forms of docs/proofs.md, written from that page alone: nothing is imported from the product. */

const sha256 = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

export function leafOf(userId: string, sequence: number, head: string): Buffer {
  const number = Buffer.alloc(4);
  number.writeInt32BE(sequence);
  return sha256(Buffer.of(0), Buffer.from(userId.replaceAll('-', ''), 'hex'), number, Buffer.from(head, 'hex'));
}

/** RFC 6962, section 2.1. */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), merkleRoot(leaves.slice(0, half)), merkleRoot(leaves.slice(half)));
}

export interface Root {
  readonly root: string;
  readonly previousRoot: string | null;
  readonly cut: string;
  readonly heads: number;
  readonly signedAt: string;
  readonly publicKey: string;
  readonly signature: string;
}

const terms = ({ previousRoot, cut, heads, signedAt }: Root) =>
  `boxoffice ledger root\nform 1\nprevious ${previousRoot ?? 'none'}\ncut ${cut}\nheads ${heads}\nsigned ${signedAt}\n`;

export const termsHashOf = (root: Root): string => sha256(Buffer.of(2), Buffer.from(terms(root))).toString('hex');

/** The root over the Merkle root of the heads. */
export const rootWith = (headsRoot: Buffer, root: Root): string =>
  sha256(Buffer.of(1), headsRoot, Buffer.from(termsHashOf(root), 'hex')).toString('hex');

export function isSignatureOf({ root, publicKey, signature }: Root): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  return verify(null, Buffer.from(`boxoffice ledger root ${root}`), key, Buffer.from(signature, 'base64'));
}

export interface Proof {
  readonly head: string;
  readonly sequence: number;
  readonly root: Root;
  readonly path: readonly string[];
}

/** Whether a proof leads from the viewer's head to the root, by way of what the root says about itself, and the root is signed. */
export function isProven(userId: string, { head, sequence, root, path }: Proof): boolean {
  let node = leafOf(userId, sequence, head);
  for (const step of path) {
    const sibling = Buffer.from(step.slice(1), 'hex');
    node = step.startsWith('L') ? sha256(Buffer.of(1), sibling, node) : sha256(Buffer.of(1), node, sibling);
  }
  return path.at(-1) === `R${termsHashOf(root)}` && node.toString('hex') === root.root && isSignatureOf(root);
}
