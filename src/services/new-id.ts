import { uuidv7 } from 'uuidv7';

/** A new primary key: UUIDv7, so that rows made together lie together. */
export const newId = (): string => uuidv7();
