import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { LedgerRoot } from '../../entities/ledger-root.js';
import { innerHash } from './merkle.js';

/** What a root commits to besides the heads. */
type Terms = Pick<LedgerRoot, 'form' | 'previousRoot' | 'cut' | 'heads' | 'signedAt'>;

/** What makes a root, before it is stored. */
export type SignedRoot = Terms & Pick<LedgerRoot, 'root' | 'headsRoot' | 'publicKey' | 'signature'>;

/**
 * The version of the canonical form below. Roots that were handed out must be provable for ever, so any change is another form, with
 * another number.
 */
export const ROOT_FORM = 1;

/** Its first byte differs from those of the nodes of a Merkle tree. */
const TERMS = Buffer.of(2);

/** SHA-256 of the terms in canonical form (docs/proofs.md). */
export function termsHash({ form, previousRoot, cut, heads, signedAt }: Terms): Buffer {
  const lines = [
    'boxoffice ledger root',
    `form ${form}`,
    `previous ${previousRoot ?? 'none'}`,
    `cut ${cut}`,
    `heads ${heads}`,
    `signed ${signedAt.toISOString()}`,
  ];
  return createHash('sha256')
    .update(TERMS)
    .update(lines.map((line) => `${line}\n`).join(''))
    .digest();
}

/** The root: the node above the Merkle root of the heads, with the terms at its right. */
export const rootOf = (headsRoot: Buffer, terms: Terms): Buffer => innerHash(headsRoot, termsHash(terms));

/** What is signed. */
const message = (root: string): Buffer => Buffer.from(`boxoffice ledger root ${root}`);

export const publicKeyOf = (key: KeyObject): string =>
  createPublicKey(key as never)
    .export({ type: 'spki', format: 'der' })
    .toString('base64');

/** Signs the root over these heads with an Ed25519 key. */
export function signRoot(key: KeyObject, headsRoot: Buffer, terms: Terms): SignedRoot {
  const root = rootOf(headsRoot, terms).toString('hex');
  return {
    ...terms,
    root,
    headsRoot: headsRoot.toString('hex'),
    publicKey: publicKeyOf(key),
    signature: sign(null, message(root), key).toString('base64'),
  };
}

/** Whether the root is that of its heads and terms, and its signature that of its key. */
export function isSigned({ root, headsRoot, publicKey, signature, ...terms }: SignedRoot): boolean {
  if (rootOf(Buffer.from(headsRoot, 'hex'), terms).toString('hex') !== root) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), type: 'spki', format: 'der' });
    return key.asymmetricKeyType === 'ed25519' && verify(null, message(root), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

/** The root as it is handed out: one line of JSON. */
export const rootLine = ({
  form,
  id,
  root,
  previousRoot,
  headsRoot,
  cut,
  heads,
  signedAt,
  publicKey,
  signature,
}: LedgerRoot): string => JSON.stringify({ form, id, root, previousRoot, headsRoot, cut, heads, signedAt, publicKey, signature });
