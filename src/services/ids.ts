import { uuidv7 } from 'uuidv7';

/** A new primary key: UUIDv7, so that rows made together lie together. */
export const newId = (): string => uuidv7();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether Postgres would take it as a uuid in the usual form; anything else must not reach a query. */
export const isUuid = (text: string | null | undefined): text is string => typeof text === 'string' && UUID.test(text);

/**
 * The id as Postgres writes it, in lower case; null for what is no UUID and can therefore name nothing. For everything that comes
 * from outside: past this point ids are compared and looked up as they are.
 */
export const parseId = (text: string | null | undefined): string | null => (isUuid(text) ? text.toLowerCase() : null);
