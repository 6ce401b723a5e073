import { Histogram } from 'prom-client';
import type { CallObserver } from '../stores/observe-calls.js';
import { addGauge, type Metrics } from './metrics.js';
import type { Tracing } from './tracing.js';

const STATEMENT_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const STRIPE_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

type Clocked = { observe(seconds: number): void };

/** Measures statements and calls to Stripe, and traces them if tracing is on. */
export function observeCalls({ registry }: Metrics, tracing: Tracing | null): CallObserver {
  const statements = new Histogram({
    name: 'boxoffice_statement_duration_seconds',
    help: 'Duration of SQL statements by name, including the wait for a connection.',
    labelNames: ['statement'] as const,
    buckets: STATEMENT_BUCKETS_SECONDS,
    registers: [registry],
  });
  const stripeCalls = new Histogram({
    name: 'boxoffice_stripe_call_duration_seconds',
    help: 'Duration of each attempt to call Stripe, by method, path and status ("none": no response).',
    labelNames: ['method', 'path', 'status'] as const,
    buckets: STRIPE_BUCKETS_SECONDS,
    registers: [registry],
  });
  // Statement names are few and fixed; a child per name avoids looking up labels on every run.
  const children = new Map<string, Clocked>();
  const childOf = (name: string): Clocked => {
    let child = children.get(name);
    if (!child) {
      child = statements.labels(name);
      children.set(name, child);
    }
    return child;
  };
  const timed = async <Result>(name: string, run: () => Promise<Result>): Promise<Result> => {
    const startedAtMs = performance.now();
    try {
      return await run();
    } finally {
      childOf(name).observe((performance.now() - startedAtMs) / 1_000);
    }
  };
  return {
    statement: tracing ? (name, run) => tracing.statement(name, () => timed(name, run)) : timed,
    async stripe({ method, path }, run) {
      const startedAtMs = performance.now();
      let status = 'none';
      try {
        const answer = await (tracing ? tracing.stripe({ method, path }, run) : run({}));
        status = String(answer.getStatusCode());
        return answer;
      } finally {
        stripeCalls.observe({ method, path, status }, (performance.now() - startedAtMs) / 1_000);
      }
    },
  };
}

/** The difference between this process's clock and the database's, which is product time. */
export function watchClock(metrics: Metrics, clock: { differenceMs(): number }): void {
  const help = "How far this process's clock is ahead of the database's. Beyond CLOCK_DIFFERENCE_MAXIMUM_MS it runs no jobs.";
  addGauge(metrics, ['boxoffice_clock_difference_seconds', help], (gauge) => gauge.set(clock.differenceMs() / 1_000));
}

/** The usage of the database connection pool. */
export function watchPool(metrics: Metrics, database: { statistics(): Record<'open' | 'idle' | 'waiting', number> }): void {
  const help = 'Connections of the pool (open, idle), and requests waiting for one (waiting).';
  addGauge(metrics, ['boxoffice_database_connections', help, 'state'], (gauge) => {
    for (const [state, count] of Object.entries(database.statistics())) gauge.set({ state }, count);
  });
}
