import type { ClientBase } from 'pg';

/** Timeouts of one session in milliseconds; 0 and undefined: none. */
export interface SessionTimeouts {
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs?: number | undefined;
  readonly idleTransactionTimeoutMs?: number | undefined;
}

/**
 * Settings that every session must have, whatever the database, its role or DATABASE_URL specify: the formats of values, and READ
 * COMMITTED transactions. The schema (search_path) and read-only mode are left to the operator.
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
 * Applies the settings to a new connection, for pg's `onConnect`, in one round trip before its first use. They are not sent as startup
 * options, which `?options=` in the URL would replace and PgBouncer rejects: https://www.pgbouncer.org/config.html#ignore_startup_parameters
 */
export function sessionSettings({ statementTimeoutMs, lockTimeoutMs = 0, idleTransactionTimeoutMs = 0 }: SessionTimeouts) {
  // Numbers only: no part of this text comes from outside.
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
