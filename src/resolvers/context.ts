import { type Caller, canAccess } from '../services/caller.js';
import { InvalidArgument } from '../services/errors.js';
import { parseId } from '../services/ids.js';
import type { AppServices } from '../services/services.js';
import { createLoaders, type Loaders } from './loaders.js';
import { forbidden, unauthenticated } from './refused.js';

export interface ContextParts {
  readonly caller: Caller;
  /** In every error and log line of this operation. */
  readonly requestId: string;
  readonly services: AppServices;
  /** When the operation began: the same timestamp for all of its results. */
  readonly now: Date;
}

/** What a resolver knows about the operation (or the live event) that it serves. */
export interface Context extends ContextParts {
  /** The caller, for what the audit records. */
  readonly actor: Caller;
  loaders: Loaders;
}

/** A new context with its own loaders: one per operation over HTTP, one per event of a live operation. */
export function createContext(parts: ContextParts): Context {
  return new OperationContext(parts);
}

/** Creates its loaders on first use: most live events need none. */
class OperationContext implements Context {
  readonly caller: Caller;
  readonly requestId: string;
  readonly services: AppServices;
  readonly now: Date;
  private created: Loaders | null = null;

  constructor({ caller, requestId, services, now }: ContextParts) {
    this.caller = caller;
    this.requestId = requestId;
    this.services = services;
    this.now = now;
  }

  get actor(): Caller {
    return { ...this.caller, requestId: this.requestId };
  }

  get loaders(): Loaders {
    this.created ??= createLoaders(this.services);
    return this.created;
  }

  set loaders(loaders: Loaders) {
    this.created = loaders;
  }
}

/**
 * The viewer whom a request is about: the caller, or `userId` if the caller is an admin or has one of `moreRoles`.
 *
 * @throws FORBIDDEN, UNAUTHENTICATED; InvalidArgument when `userId` is not a UUID
 */
export function resolveUserId(
  caller: Caller,
  userId: string | null | undefined,
  moreRoles: readonly Caller['role'][] = [],
): string {
  const given = userId ?? caller.userId;
  if (given === null) throw unauthenticated();
  const asked = parseId(given);
  if (!asked) throw new InvalidArgument('userId', '`userId` must be a UUID.');
  if (!canAccess(caller, asked) && !moreRoles.includes(caller.role)) throw forbidden();
  return asked;
}

/**
 * Admins must not act on their own account.
 *
 * @throws FORBIDDEN when the account is the caller's
 */
export function refuseOwnAccount(caller: Caller, userId: string | undefined): void {
  const id = parseId(userId);
  if (id !== null && id === caller.userId) throw forbidden();
}

/** @throws FORBIDDEN unless the caller may see what belongs to the viewer */
export function demandAccess(caller: Caller, userId: string): void {
  if (!canAccess(caller, userId)) throw forbidden();
}
