/** Who asks. The roles are those of the contract's `Role`, and SUPPORT, which has no fields of its own yet. */
export interface Caller {
  /** The viewer or admin; null without a token. */
  readonly userId: string | null;
  readonly role: 'PUBLIC' | 'VIEWER' | 'SERVICE' | 'SUPPORT' | 'ADMIN';
}
