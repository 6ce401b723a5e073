import type { Clock } from '../../runtime/clock.js';
import type { Caller } from '../../services/caller.js';
import { InvalidToken } from '../auth/claims.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { bearerToken } from '../auth.js';
import { addressKey } from '../graphql/address-key.js';
import { LIVE_CLOSE_CODES, type LiveConnection } from './connection.js';

export interface LiveIdentity {
  caller: Caller;
  /** When the token expires; null: never. */
  expiresAt: Date | null;
}

export type Identify = (token: string) => Promise<LiveIdentity>;

type Refusal = readonly [code: number, reason: string];

export interface AdmissionSettings {
  readonly socketsPerViewerCount: number;
  /** Sockets of one address that have not been admitted. */
  readonly socketsWaitingPerAddressCount: number;
}

/** Who may stay connected: with a good token, until it expires, and with no more sockets than one viewer may have. */
export class SocketAdmission {
  private readonly socketsOfViewers = new Tally();
  private readonly waitingOfAddresses = new Tally();

  constructor(
    private readonly identify: Identify,
    private readonly settings: AdmissionSettings,
    private readonly clock: Clock,
  ) {}

  /** Whether an address may open another socket before those that it has opened are admitted. */
  mayWait(address: string): boolean {
    return this.waitingOfAddresses.of(addressKey(address)) < this.settings.socketsWaitingPerAddressCount;
  }

  /** A socket was opened, and waits to be admitted. */
  wait(connection: LiveConnection, address: string): void {
    connection.waitingFrom = addressKey(address);
    this.waitingOfAddresses.add(connection.waitingFrom, 1);
  }

  /** Finds out who speaks; gives back why the socket may not stay, or null. */
  async admit(connection: LiveConnection, parameters: Readonly<Record<string, unknown>> | undefined): Promise<Refusal | null> {
    let identity: LiveIdentity;
    try {
      const token = tokenOf(parameters);
      if (token === null) return [LIVE_CLOSE_CODES.unauthorized, 'Unauthorized: connection_init needs a token'];
      identity = await this.identify(token);
    } catch (error) {
      if (error instanceof IdentityUnavailable) return [LIVE_CLOSE_CODES.tryAgainLater, 'Tokens cannot be checked just now'];
      return [LIVE_CLOSE_CODES.forbidden, 'Forbidden: bad or expired token'];
    }
    const { userId } = identity.caller;
    if (userId === null) return [LIVE_CLOSE_CODES.forbidden, 'Forbidden: the token names nobody'];
    // It may have closed meanwhile, and then nobody would count it off.
    if (connection.socket.readyState !== connection.socket.OPEN) return [LIVE_CLOSE_CODES.goingAway, 'Going away'];
    if (this.socketsOfViewers.of(userId) >= this.settings.socketsPerViewerCount)
      return [LIVE_CLOSE_CODES.tryAgainLater, 'Too many sockets of this viewer'];
    this.socketsOfViewers.add(userId, 1);
    this.stopWaiting(connection);
    connection.caller = identity.caller;
    if (identity.expiresAt) connection.expireAt(identity.expiresAt, this.clock);
    return null;
  }

  /** The socket is closed. */
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

/** How many there are of each; what there is none of takes no room. */
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
 * `{ token }`, or `{ authorization: 'Bearer …' }` as over HTTP; null without either.
 *
 * @throws InvalidToken when there are several that differ
 */
function tokenOf(parameters: Readonly<Record<string, unknown>> | undefined): string | null {
  const { token, authorization, Authorization } = parameters ?? {};
  const bearers = [authorization, Authorization].map((header) => (typeof header === 'string' ? bearerToken(header) : null));
  const tokens = new Set([token, ...bearers].filter((given) => typeof given === 'string' && given !== ''));
  if (tokens.size > 1) throw new InvalidToken('There are several tokens that differ.');
  return ([...tokens][0] as string | undefined) ?? null;
}
