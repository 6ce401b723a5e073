/** Who asks. The roles are those of the contract's `Role`. */
export interface Caller {
  /** The viewer or admin; null without a token. */
  readonly userId: string | null;
  readonly role: 'PUBLIC' | 'VIEWER' | 'SERVICE' | 'ADMIN';
}
