const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** May this text be compared with a uuid column? Anything else would be an error of the database. */
export const isUuid = (text: string | null | undefined): text is string => typeof text === 'string' && UUID.test(text);
