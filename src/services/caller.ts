/** The authenticated party behind a request. The roles are those of the schema's `Role`, plus SUPPORT, which has no fields of its own yet. */
export interface Caller {
  /** The viewer or admin; null without a token. */
  readonly userId: string | null;
  readonly role: 'PUBLIC' | 'VIEWER' | 'SERVICE' | 'SUPPORT' | 'ADMIN';
  /** Of the request, for the audit; only where it is recorded. */
  readonly requestId?: string;
}

/** Whether the caller may read and change a viewer's data: only that viewer and admins may. */
export const canAccess = (caller: Caller, userId: string): boolean => caller.role === 'ADMIN' || caller.userId === userId;

/** Returns the caller's id. The gateway rejects callers without a token before this point, so a missing id is a bug. */
export function requireUserId({ userId }: Caller): string {
  if (userId === null) throw new Error('a caller without a user id reached a service');
  return userId;
}

/** Returns the admin's id. The gateway rejects everyone else before this point, so any other caller is a bug. */
export function requireAdminId(caller: Caller): string {
  if (caller.role !== 'ADMIN') throw new Error('a caller who is not an admin reached an admin service');
  return requireUserId(caller);
}
