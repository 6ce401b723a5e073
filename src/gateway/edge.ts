import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import type { Metrics } from '../observability/metrics.js';
import type { Clock } from '../runtime/clock.js';
import type { AppServices } from '../services/services.js';
import type { Identity } from './auth.js';
import type { Engine } from './graphql/engine.js';
import type { Mask } from './graphql/errors.js';
import type { Pipeline } from './graphql/pipeline.js';

/** What every transport serves operations with. */
export interface Edge extends Engine {
  readonly config: Pick<Config, 'http' | 'guard' | 'limits'>;
  readonly pipeline: Pipeline;
  readonly mask: Mask;
  readonly identity: Pick<Identity, 'identify'>;
  readonly services: AppServices;
  /** Product time. */
  readonly clock: Clock;
  /** The clock for tokens. */
  readonly realClock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}
