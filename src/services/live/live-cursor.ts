import { createHash } from 'node:crypto';
import { InvalidArgument } from '../errors.js';

export type LiveKind = 'BALANCE' | 'GRANT';

/** A point in a viewer's live events: all up to and including `sequence` were seen. Null: begin with the present state. */
export interface LivePoint {
  readonly sequence: number | null;
}

/** The changes after a cursor are no longer kept. `code` is part of the contract. */
export class CursorExpired extends Error {
  override readonly name = 'CursorExpired';
  readonly code = 'CURSOR_EXPIRED';

  constructor() {
    super('The changes after this cursor are no longer kept. Start afresh, without `after`.');
  }
}

const FORMAT = 1;
const KINDS = { BALANCE: 1, GRANT: 2 } as const satisfies Record<LiveKind, number>;
/** Format, kind and seven bytes of the viewer's hash: nine bytes, so that they are twelve characters of their own. */
const OWNER_BYTES = 9;
const OWNER_CHARACTERS = 12;
/** No event has this number: `live_events.sequence` is a signed 32 bit integer. */
const AFRESH = 0xffff_ffff;
const scratch = Buffer.alloc(4);

/**
 * Writes and reads the cursors of one viewer and one kind of change. A cursor is 13 bytes in base64url: format, kind, seven
 * bytes of the viewer's hash, sequence. It carries no secret and no right: it only must not be mistaken for another's.
 */
export class LiveCursors {
  private readonly owner: string;

  constructor(
    private readonly userId: string,
    private readonly kind: LiveKind,
  ) {
    this.owner = ownerOf(userId, kind);
  }

  /** The cursor behind the event with this number. */
  at(sequence: number): string {
    scratch.writeUInt32BE(sequence);
    return this.owner + scratch.toString('base64url');
  }

  /** The cursor of an item in the middle of the present state: going on from it begins the present state again. */
  afresh(): string {
    return this.at(AFRESH);
  }

  /** @throws InvalidArgument for anything but a cursor of this viewer and this kind */
  read(cursor: string): LivePoint {
    const given = /^[A-Za-z0-9_-]{18}$/.test(cursor) ? Buffer.from(cursor, 'base64url') : null;
    if (given?.[0] !== FORMAT) throw new InvalidArgument('after', '`after` is not a cursor.');
    const owner = cursor.slice(0, OWNER_CHARACTERS);
    const other = this.kind === 'GRANT' ? 'BALANCE' : 'GRANT';
    if (owner === ownerOf(this.userId, other)) {
      throw new InvalidArgument('after', `\`after\` is a cursor of ${other === 'GRANT' ? 'grantChanged' : 'balanceChanged'}.`);
    }
    if (owner !== this.owner) throw new InvalidArgument('after', '`after` is a cursor of another viewer.');
    const sequence = given.readUInt32BE(OWNER_BYTES);
    return { sequence: sequence === AFRESH ? null : sequence };
  }
}

function ownerOf(userId: string, kind: LiveKind): string {
  const owner = Buffer.from([
    FORMAT,
    KINDS[kind],
    ...createHash('sha256')
      .update(userId)
      .digest()
      .subarray(0, OWNER_BYTES - 2),
  ]);
  return owner.toString('base64url');
}

/** What is known of a viewer's events when a cursor is presented. */
export interface KeptEvents {
  /** The number of the last event, 0 when there was none. */
  readonly last: number;
  /** The number of the oldest event that is still kept; null when none is. */
  readonly oldest: number | null;
}

/** Whether every event after `sequence` is still there. A number from the future (a restored database) is not. */
export function canGoOnAfter(sequence: number, kept: KeptEvents): boolean {
  if (sequence > kept.last) return false;
  return sequence >= (kept.oldest ?? kept.last + 1) - 1;
}
