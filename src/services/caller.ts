/** The authenticated party behind a request. The roles are those of the contract's `Role`, and SUPPORT, which has no fields of its own yet. */
export interface Caller {
  /** The viewer or admin; null without a token. */
  readonly userId: string | null;
  readonly role: 'PUBLIC' | 'VIEWER' | 'SERVICE' | 'SUPPORT' | 'ADMIN';
}

/** Whether the caller may see and change what belongs to a viewer: its owner and admins may. */
export const canAccess = (caller: Caller, userId: string): boolean => caller.role === 'ADMIN' || caller.userId === userId;

/** The caller's id. The edge lets nobody without a token this far, so a missing one is a defect. */
export function requireUserId({ userId }: Caller): string {
  if (userId === null) throw new Error('a caller without a user id reached a service');
  return userId;
}

/** The admin's id. The edge lets only admins this far, so anyone else is a defect. */
export function requireAdminId(caller: Caller): string {
  if (caller.role !== 'ADMIN') throw new Error('a caller who is not an admin reached an admin service');
  return requireUserId(caller);
}
