import type { ValidationRule } from 'graphql';
import type { Limits } from '../../config/limits.js';
import { limitAliases } from './rules/limit-aliases.js';
import { limitDepth } from './rules/limit-depth.js';
import { limitDirectives } from './rules/limit-directives.js';
import { limitRootFields } from './rules/limit-root-fields.js';
import { scalarLiteralErrors } from './rules/scalar-literal-errors.js';

/** The validation rules in addition to GraphQL's own. */
export function guardRules(limits: Limits): ValidationRule[] {
  return [
    scalarLiteralErrors,
    limitDepth(limits.queryDepthMaximumCount),
    limitAliases(limits.queryAliasesMaximumCount),
    limitDirectives(limits.queryDirectivesMaximumCount),
    limitRootFields(limits.queryRootFieldsMaximumCount),
  ];
}
