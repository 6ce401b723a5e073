import type { ClientBase } from 'pg';

/** Timeouts of one session in milliseconds; 0 and undefined: none. */
export interface SessionTimeouts {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs?: number | undefined;
  readonly idleTransactionTimeoutMs?: number | undefined;
}

/**
 * What every session of ours must have, whatever the database, its role or DATABASE_URL set: how values are written and read, and
 * that transactions are READ COMMITTED. The schema (search_path) and whether the database is read-only are the operator's.
 */
const FORMATS = [
  "set timezone = 'UTC'",
  "set client_encoding = 'UTF8'",
  "set datestyle = 'ISO, MDY'",
  "set intervalstyle = 'postgres'",
  "set bytea_output = 'hex'",
  'set standard_conforming_strings = on',
  'set extra_float_digits = 1',
  "set default_transaction_isolation = 'read committed'",
  'set default_transaction_deferrable = off',
].join('; ');

/**
 * Gives a new connection its settings, for pg's `onConnect`: before its first use, in one round trip. They are not sent as startup
 * options, which `?options=` in the URL would replace and PgBouncer refuses: https://www.pgbouncer.org/config.html#ignore_startup_parameters
 */
export function sessionSettings({ statementTimeoutMs, lockTimeoutMs = 0, idleTransactionTimeoutMs = 0 }: SessionTimeouts) {
  // Numbers only: nothing of these texts comes from outside.
  const text = [
    `set statement_timeout = ${statementTimeoutMs}`,
    `set lock_timeout = ${lockTimeoutMs}`,
    `set idle_in_transaction_session_timeout = ${idleTransactionTimeoutMs}`,
    FORMATS,
  ].join('; ');
  return async (client: ClientBase): Promise<void> => {
    await client.query(text);
  };
}
