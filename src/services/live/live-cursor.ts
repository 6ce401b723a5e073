import { createHash } from 'node:crypto';
import { InvalidArgument } from '../invalid-argument.js';

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
const BYTES = 12;
const VIEWER_BYTES = 6;
const KINDS = { BALANCE: 1, GRANT: 2 } as const satisfies Record<LiveKind, number>;
/** No event has this number: `live_events.sequence` is a signed 32 bit integer. */
const AFRESH = 0xffff_ffff;

/**
 * Writes and reads the cursors of one viewer and one kind of change. A cursor is 12 bytes in base64url: format, kind, six
 * bytes of the viewer's hash, sequence. It carries no secret and no right: it only must not be mistaken for another's.
 */
export class LiveCursors {
  private readonly bytes = Buffer.alloc(BYTES);

  constructor(
    userId: string,
    private readonly kind: LiveKind,
  ) {
    this.bytes[0] = FORMAT;
    this.bytes[1] = KINDS[kind];
    createHash('sha256').update(userId).digest().copy(this.bytes, 2, 0, VIEWER_BYTES);
  }

  /** The cursor behind the event with this number. */
  at(sequence: number): string {
    this.bytes.writeUInt32BE(sequence, BYTES - 4);
    return this.bytes.toString('base64url');
  }

  /** The cursor of an item in the middle of the present state: going on from it begins the present state again. */
  afresh(): string {
    return this.at(AFRESH);
  }

  /** Ends in InvalidArgument for anything but a cursor of this viewer and this kind. */
  read(cursor: string): LivePoint {
    const given = /^[A-Za-z0-9_-]{16}$/.test(cursor) ? Buffer.from(cursor, 'base64url') : null;
    if (given?.[0] !== FORMAT) throw new InvalidArgument('after', '`after` is not a cursor.');
    if (given.compare(this.bytes, 2, 2 + VIEWER_BYTES, 2, 2 + VIEWER_BYTES) !== 0) {
      throw new InvalidArgument('after', '`after` is a cursor of another viewer.');
    }
    if (given[1] !== KINDS[this.kind]) {
      throw new InvalidArgument(
        'after',
        `\`after\` is a cursor of ${this.kind === 'GRANT' ? 'balanceChanged' : 'grantChanged'}.`,
      );
    }
    const sequence = given.readUInt32BE(BYTES - 4);
    return { sequence: sequence === AFRESH ? null : sequence };
  }
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
