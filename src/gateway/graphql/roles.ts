import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import { defaultFieldResolver, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { createLoaders } from '../../resolvers/loaders.js';
import { forbidden, unauthenticated } from '../../resolvers/refused.js';
import type { Caller } from '../../services/caller.js';
import { withTextsChecked } from './check-texts.js';
import { SettledField } from './settled-field.js';

type Role = Caller['role'];
type Resolve = GraphQLFieldResolver<unknown, Context>;

/**
 * Makes `@allowed(to:)` of the contract hold: the one truth about who may use a field. PUBLIC means anybody. Only fields that
 * carry it are wrapped, so that all others cost nothing. The texts in the arguments of those who may are checked. Fails when a root
 * field does not carry it.
 */
export function enforceRoles(schema: GraphQLSchema): GraphQLSchema {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].map((type) => type?.name);
  const undeclared: string[] = [];
  const enforced = mapSchema(schema, {
    [MapperKind.OBJECT_FIELD]: (field, name, typeName) => {
      const named = allowedRoles(schema, field);
      const roles = typeName === 'Mutation' ? named?.filter((role) => role !== 'SUPPORT') : named;
      if (!roles) {
        if (roots.includes(typeName)) undeclared.push(`${typeName}.${name}`);
        return undefined;
      }
      const { subscribe, resolve = defaultFieldResolver } = field;
      const checked = (inner: unknown) =>
        roots.includes(typeName) ? withTextsChecked(inner as Resolve, field, typeName) : inner;
      if (subscribe) return { ...field, subscribe: guarded(checked(subscribe) as Resolve, roles) };
      const guardedResolve = guarded(checked(resolve) as Resolve, roles);
      return { ...field, resolve: typeName === 'Mutation' ? withFreshLoaders(guardedResolve) : guardedResolve };
    },
  });
  if (undeclared.length > 0) throw new Error(`Root fields without @allowed(to:) in schema.graphql: ${undeclared.join(', ')}`);
  return enforced;
}

/**
 * Who may use a field, by the contract; undefined when it does not say. Support reads what viewers read, as the account that its
 * token names, and changes nothing.
 */
export function allowedRoles(schema: GraphQLSchema, field: object): readonly Role[] | undefined {
  const [directive] = getDirective(schema, field as never, 'allowed') ?? [];
  const roles = directive?.to as Role[] | undefined;
  return roles?.includes('VIEWER') ? [...roles, 'SUPPORT'] : roles;
}

function guarded(resolve: Resolve, roles: readonly Role[]): Resolve {
  if (roles.includes('PUBLIC')) return resolve;
  return (source, args, context, info) => {
    const { role } = context.caller;
    if (role === 'PUBLIC') throw unauthenticated();
    if (!roles.includes(role)) throw forbidden();
    return resolve(source, args, context, info);
  };
}

/** Several mutations of one operation run one after the other: what the first has loaded is stale for the second. */
function withFreshLoaders(resolve: Resolve): Resolve {
  return (source, args, context, info) => {
    if (source instanceof SettledField) return source.result();
    context.loaders = createLoaders(context.services);
    return resolve(source, args, context, info);
  };
}
