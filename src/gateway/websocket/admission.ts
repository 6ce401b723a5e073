import type { Clock } from '../../runtime/clock.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { bearerToken, type Identified, type Identity, InvalidToken } from '../auth.js';
import { addressKey } from '../graphql/address-key.js';
import { LIVE_CLOSE_CODES, type LiveConnection } from './connection.js';

type Refusal = readonly [code: number, reason: string];

export interface AdmissionSettings {
  readonly socketsPerViewerCount: number;
  /** Sockets of one address that are not admitted yet. */
  readonly socketsWaitingPerAddressCount: number;
}

/** Decides which sockets may stay connected: those with a valid token, until it expires, up to a number of sockets per viewer. */
export class SocketAdmission {
  private readonly socketsOfViewers = new Tally();
  private readonly waitingOfAddresses = new Tally();

  constructor(
    private readonly identity: Pick<Identity, 'identify'>,
    private readonly settings: AdmissionSettings,
    private readonly clock: Clock,
  ) {}

  /** Whether an address may open another socket while others wait for admission. */
  mayWait(address: string): boolean {
    return this.waitingOfAddresses.of(addressKey(address)) < this.settings.socketsWaitingPerAddressCount;
  }

  /** Records a new socket that waits for admission. */
  wait(connection: LiveConnection, address: string): void {
    connection.waitingFrom = addressKey(address);
    this.waitingOfAddresses.add(connection.waitingFrom, 1);
  }

  /** Identifies the caller. Returns why the socket must be closed, or null. */
  async admit(connection: LiveConnection, parameters: Readonly<Record<string, unknown>> | undefined): Promise<Refusal | null> {
    let identified: Identified;
    try {
      const token = tokenOf(parameters);
      if (token === null) return [LIVE_CLOSE_CODES.unauthorized, 'Unauthorized: connection_init needs a token'];
      identified = await this.identity.identify(token);
    } catch (error) {
      if (error instanceof IdentityUnavailable)
        return [LIVE_CLOSE_CODES.tryAgainLater, 'Tokens cannot be verified at the moment'];
      return [LIVE_CLOSE_CODES.forbidden, 'Forbidden: invalid or expired token'];
    }
    const { userId } = identified.caller;
    if (userId === null) return [LIVE_CLOSE_CODES.forbidden, 'Forbidden: the token has no subject'];
    // It may have closed in the meantime; then it would never be removed from the count.
    if (connection.socket.readyState !== connection.socket.OPEN) return [LIVE_CLOSE_CODES.goingAway, 'Going away'];
    if (this.socketsOfViewers.of(userId) >= this.settings.socketsPerViewerCount)
      return [LIVE_CLOSE_CODES.tryAgainLater, 'Too many sockets of this viewer'];
    this.socketsOfViewers.add(userId, 1);
    this.stopWaiting(connection);
    connection.caller = identified.caller;
    if (identified.expiresAt) connection.expireAt(identified.expiresAt, this.clock);
    return null;
  }

  /** Removes a closed socket. */
  forget(connection: LiveConnection): void {
    this.stopWaiting(connection);
    const userId = connection.caller?.userId;
    if (userId) this.socketsOfViewers.add(userId, -1);
  }

  private stopWaiting(connection: LiveConnection): void {
    if (connection.waitingFrom === null) return;
    this.waitingOfAddresses.add(connection.waitingFrom, -1);
    connection.waitingFrom = null;
  }
}

/** Counts by key; keys with a count of zero take no memory. */
class Tally {
  private readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: string, change: 1 | -1): void {
    const count = this.of(key) + change;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
  }
}

/**
 * The token in `{ token }`, or in `{ authorization: 'Bearer …' }` as over HTTP; null without either.
 *
 * @throws InvalidToken when there are several different tokens
 */
function tokenOf(parameters: Readonly<Record<string, unknown>> | undefined): string | null {
  const { token, authorization, Authorization } = parameters ?? {};
  const bearers = [authorization, Authorization].map((header) => (typeof header === 'string' ? bearerToken(header) : null));
  const tokens = new Set([token, ...bearers].filter((given) => typeof given === 'string' && given !== ''));
  if (tokens.size > 1) throw new InvalidToken('There are several different tokens.');
  return ([...tokens][0] as string | undefined) ?? null;
}
