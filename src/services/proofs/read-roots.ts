import { z } from 'zod';
import type { LedgerRoot } from '../../entities/ledger-root.js';
import { ROOT_FORM, type SignedRoot } from './root-form.js';

/** A root as it was handed out. */
export type HandedOutRoot = SignedRoot & Pick<LedgerRoot, 'id'>;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const schema: z.ZodType<HandedOutRoot> = z.object({
  form: z.literal(ROOT_FORM),
  id: z.uuid(),
  root: hash,
  previousRoot: hash.nullable(),
  headsRoot: hash,
  cut: z.string().regex(/^\d{1,20}$/),
  heads: z.int().nonnegative(),
  signedAt: z.iso.datetime().transform((text) => new Date(text)),
  publicKey: z.base64(),
  signature: z.base64(),
});

/** Reads one JSON document (a root, or a list of them) or one root per line, each once. `faults`: what is not a root. */
export function readRoots(text: string): { roots: HandedOutRoot[]; faults: string[] } {
  const roots = new Map<string, HandedOutRoot>();
  const faults: string[] = [];
  for (const [place, value] of documentsIn(text)) {
    const result = schema.safeParse(value);
    if (result.success) roots.set(result.data.root, result.data);
    else faults.push(`${place} is not one`);
  }
  if (roots.size === 0 && faults.length === 0) faults.push('an empty file');
  return { roots: [...roots.values()], faults };
}

function documentsIn(text: string): (readonly [place: string, value: unknown])[] {
  const whole = parsed(text);
  if (whole !== undefined) return (Array.isArray(whole) ? whole : [whole]).map((value, index) => [`item ${index + 1}`, value]);
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [[`line ${index + 1}`, parsed(line)] as const]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
