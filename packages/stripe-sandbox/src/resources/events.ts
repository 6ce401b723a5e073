import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { listOf, text, truth } from '../parameters.js';
import type { EventRow } from '../store.js';
import { found } from './found.js';

/** The event as it was created, with its current number of pending webhooks. */
function viewEvent(event: EventRow): object {
  return { ...JSON.parse(event.text), pending_webhooks: event.pendingWebhooks };
}

/** `charge.*` matches every type with that prefix. */
function typeMatches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}

export const eventOperations = [
  operation(
    {
      name: 'events.retrieve',
      method: 'GET',
      path: '/v1/events/:id',
      parameters: {},
    },
    ({ world, id }) => viewEvent(found(world.store.events, id, 'event')),
  ),
  operation(
    {
      name: 'events.list',
      method: 'GET',
      path: '/v1/events',
      parameters: {
        ...pageParameters,
        ...createdParameter,
        delivery_success: truth(),
        type: text(),
        types: listOf(text(), { maximum: 20 }),
      },
    },
    ({ world, parameters, path }) =>
      pageOf({
        table: world.store.events,
        page: parameters,
        url: path,
        kind: 'event',
        matches: (event) =>
          inRange(event.created, parameters.created) &&
          (parameters.type === undefined || typeMatches(parameters.type, event.type)) &&
          (parameters.types?.some((pattern) => typeMatches(pattern, event.type)) ?? true) &&
          (parameters.delivery_success ?? event.pendingWebhooks === 0) === (event.pendingWebhooks === 0),
        view: viewEvent,
      }),
  ),
];
