import { MAX_FORM_DEPTH, MAX_FORM_PAIRS } from './limits.js';
import { invalidRequest } from './stripe-error.js';

/** A decoded form: text, or a nested object. Lists are objects with the keys 0, 1, 2 …, as in the encoded form. */
export type FormValue = string | FormObject;
export interface FormObject {
  [key: string]: FormValue;
}

/**
 * Decodes Stripe's form encoding: `line_items[0][price_data][currency]=usd`, `expand[]=payment_intent`.
 * Used for bodies and query strings. @throws invalid_request_error if parameter names contradict each other
 */
export function decodeForm(encoded: string): FormObject {
  const form: FormObject = Object.create(null);
  let pairs = 0;
  for (const [name, value] of new URLSearchParams(encoded)) {
    pairs += 1;
    if (pairs > MAX_FORM_PAIRS) throw invalidRequest(`Too many parameters: at most ${MAX_FORM_PAIRS} are taken.`);
    assign(form, pathOf(name), value, name);
  }
  return form;
}

function pathOf(name: string): string[] {
  const bracket = name.indexOf('[');
  if (bracket < 1) return [name];
  const path = [name.slice(0, bracket)];
  const rest = name.slice(bracket);
  if (!/^(\[[^[\]]*\])+$/.test(rest)) throw invalidRequest(`Invalid parameter name: ${name}`, { param: name });
  for (const part of rest.slice(1, -1).split('][')) path.push(part);
  if (path.length > MAX_FORM_DEPTH) throw invalidRequest(`Parameter nested too deeply: ${name}`, { param: name });
  return path;
}

function assign(form: FormObject, path: string[], value: string, name: string): void {
  let target = form;
  for (const [depth, part] of path.entries()) {
    const key = part === '' ? String(Object.keys(target).length) : part;
    const existing = target[key];
    if (depth === path.length - 1) {
      if (typeof existing === 'object') throw invalidRequest(`Invalid object: ${name}`, { param: name });
      target[key] = value;
      return;
    }
    if (typeof existing === 'string') throw invalidRequest(`Invalid object: ${name}`, { param: name });
    const next: FormObject = existing ?? Object.create(null);
    target[key] = next;
    target = next;
  }
}
