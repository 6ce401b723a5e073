import { uuidv7 } from 'uuidv7';

/** A new primary key: UUIDv7, so that rows created together are stored together. */
export const newId = (): string => uuidv7();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether Postgres accepts it as a uuid in the usual form; anything else must not reach a query. */
export const isUuid = (text: string | null | undefined): text is string => typeof text === 'string' && UUID.test(text);

/**
 * Returns the id in lower case, as Postgres writes it; null for anything that is not a UUID and therefore cannot identify anything.
 * Every id from outside passes through here: after this point, ids are compared and looked up as they are.
 */
export const parseId = (text: string | null | undefined): string | null => (isUuid(text) ? text.toLowerCase() : null);
