import { getDirective, MapperKind, mapSchema } from '@graphql-tools/utils';
import { defaultFieldResolver, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { createLoaders } from '../../resolvers/loaders.js';
import { forbidden, unauthenticated } from '../../resolvers/refused.js';
import type { Caller } from '../../services/caller.js';
import { withTextsChecked } from './check-texts.js';

type Role = Caller['role'];
type Resolve = GraphQLFieldResolver<unknown, Context>;

/**
 * Enforces the contract's `@allowed(to:)`, the only definition of who may use a field. PUBLIC means anyone. Only fields that have it are
 * wrapped, so all others cost nothing. The texts in the arguments of allowed callers are checked. Throws if a root field lacks it.
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
 * The roles that may use a field, according to the contract; undefined if it does not specify any. Support reads what viewers read, as the
 * account in its token, and changes nothing.
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

/** The mutations of one operation run in sequence: data loaded by the first is stale for the second. */
function withFreshLoaders(resolve: Resolve): Resolve {
  return (source, args, context, info) => {
    context.loaders = createLoaders(context.services);
    return resolve(source, args, context, info);
  };
}
