import { invalidRequest } from './stripe-error.js';
import type { World } from './world.js';

const MAX_DEPTH = 4;

/** Looks up an object by id, using the id's prefix; undefined for types that the sandbox does not store. */
type LookUp = (id: string) => object | undefined;

/**
 * Replaces ids with their objects along the paths in `expand[]`: https://docs.stripe.com/api/expanding_objects
 * The given body is not modified. @throws invalid_request_error for a property that cannot be expanded
 */
export function expandBody(
  body: object,
  paths: readonly string[],
  world: World,
  includable: (body: object, name: string) => unknown,
) {
  const lookUp = lookUpIn(world);
  let expanded = body;
  for (const path of paths) {
    const parts = path.split('.');
    if (parts.length > MAX_DEPTH + 1) throw cannotExpand(path);
    expanded = expandPath(expanded, parts, path, { lookUp, includable });
  }
  return expanded;
}

interface Sources {
  readonly lookUp: LookUp;
  readonly includable: (body: object, name: string) => unknown;
}

function expandPath(body: object, parts: readonly string[], path: string, sources: Sources): object {
  const [name, ...rest] = parts;
  if (name === undefined) return body;
  if (Array.isArray(body)) return body.map((entry) => (isObject(entry) ? expandPath(entry, parts, path, sources) : entry));
  const own = (body as Record<string, unknown>)[name];
  const value = own === undefined ? sources.includable(body, name) : own;
  if (value === undefined) throw cannotExpand(path);
  return { ...body, [name]: expandValue(value, rest, path, sources) };
}

function expandValue(value: unknown, rest: readonly string[], path: string, sources: Sources): unknown {
  if (value === null) return null;
  if (typeof value === 'string') {
    const found = sources.lookUp(value);
    if (found === undefined) throw cannotExpand(path);
    return expandPath(found, rest, path, sources);
  }
  return isObject(value) ? expandPath(value, rest, path, sources) : value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function cannotExpand(path: string) {
  return invalidRequest(`This property cannot be expanded (${path}).`, { param: 'expand' });
}

function lookUpIn(world: World): LookUp {
  const { store } = world;
  const tables: Record<string, { get(id: string): object | undefined }> = {
    ch: store.charges,
    py: store.charges,
    cs: store.sessions,
    cus: store.customers,
    du: store.disputes,
    pi: store.paymentIntents,
    price: store.prices,
    prod: store.products,
    re: store.refunds,
    txn: store.balanceTransactions,
  };
  // Only products can have an id chosen by the caller.
  return (id) => (tables[id.slice(0, id.indexOf('_'))] ?? store.products).get(id);
}
