import type { ValidationRule } from 'graphql';
import type { Limits } from '../../limits.js';
import { limitAliases } from './limit-aliases.js';
import { limitDepth } from './limit-depth.js';
import { limitDirectives } from './limit-directives.js';
import { limitRootFields } from './limit-root-fields.js';
import { nameFaultyLiterals } from './name-faulty-literals.js';

/** The rules that HTTP and WebSocket add to GraphQL's own. */
export function guardRules(limits: Limits): ValidationRule[] {
  return [
    nameFaultyLiterals,
    limitDepth(limits.queryDepthMaximumCount),
    limitAliases(limits.queryAliasesMaximumCount),
    limitDirectives(limits.queryDirectivesMaximumCount),
    limitRootFields(limits.queryRootFieldsMaximumCount),
  ];
}
