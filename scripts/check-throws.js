import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

/**
 * Checks that each public method of a service class names, in its `@throws`, every code of an expected error that it can throw or
 * return. The calls are followed through functions, methods of the same class and services whose type a field declares, across files.
 * What is called on a value of unknown type is not seen, so a method may document more than is found here, but never less.
 */

const ROOT = 'src/services';
/** The lock refuses a viewer whose balance has another currency than the row that is changed: never so for rows of that viewer. */
const NOT_FOLLOWED = new Set(['src/services/ledger/unit.ts#Unit.lock']);

/** Invalid arguments of queries are GraphQL errors, not data. */
const ARGUMENT_ERRORS = new Set(['InvalidArgument', 'InvalidCursor']);
const CODES = new Set(readFileSync(`${ROOT}/errors.ts`, 'utf8').match(/(?<=code: ')[A-Z_]+(?=')/g));
const files = new Map(globSync(`${ROOT}/**/*.ts`).map((file) => [file, read(file)]));

/** A file's imports, functions, classes and interfaces, by name. */
function read(file) {
  const text = readFileSync(file, 'utf8');
  const { body } = parseSync(text, { syntax: 'typescript', decorators: true, target: 'es2022' });
  const found = { text, imports: new Map(), functions: new Map(), classes: new Map(), types: new Map() };
  for (const item of body) {
    if (item.type === 'ImportDeclaration') noteImports(item, file, found);
    else noteDeclaration(item.declaration ?? item, found, item.declaration !== undefined);
  }
  return found;
}

function noteImports({ source, specifiers }, file, { imports }) {
  const from = path.join(path.dirname(file), source.value).replace(/\.js$/, '.ts');
  for (const { local, imported } of specifiers) imports.set(local.value, { file: from, name: imported?.value ?? local.value });
}

function noteDeclaration(declaration, { functions, classes, types }, exported) {
  const { type, id, identifier, declarations = [], body } = declaration;
  if (type === 'FunctionDeclaration') functions.set(identifier.value, declaration);
  if (type === 'TsInterfaceDeclaration') types.set(id.value, membersOf(body.body, declaration.extends));
  if (type === 'ClassDeclaration') classes.set(identifier.value, { ...readClass(declaration), exported });
  for (const { id: variable, init } of type === 'VariableDeclaration' ? declarations : [])
    if (variable.type === 'Identifier' && init) functions.set(variable.value, init);
}

function readClass({ body }) {
  const methods = new Map();
  const fields = new Map();
  for (const member of body) {
    if (member.type === 'ClassMethod')
      methods.set(member.key.value, {
        node: member.function,
        hidden: !!member.accessibility && member.accessibility !== 'public',
      });
    if (member.type === 'Constructor') {
      methods.set('constructor', { node: member, hidden: true });
      for (const parameter of member.params)
        if (parameter.type === 'TsParameterProperty')
          fields.set(parameter.param.value, typeNameOf(parameter.param.typeAnnotation));
    }
    if (member.type === 'ClassProperty') fields.set(member.key.value, typeNameOf(member.typeAnnotation));
  }
  return { methods, fields };
}

function membersOf(members, bases) {
  const properties = members.filter(({ type }) => type === 'TsPropertySignature');
  return {
    bases: bases.map(({ expression }) => expression.value),
    members: new Map(properties.map(({ key, typeAnnotation }) => [key.value, typeNameOf(typeAnnotation)])),
  };
}

/** The name of a type; `Pick<Catalogue, 'offer'>` counts as Catalogue. */
function typeNameOf(annotation) {
  const type = annotation?.typeAnnotation ?? annotation;
  if (type?.type !== 'TsTypeReference') return null;
  const name = type.typeName.value;
  return name === 'Pick' || name === 'Omit' ? typeNameOf(type.typeParams.params[0]) : name;
}

/** Where a name that is used in a file is declared. */
const declarationOf = (file, name) => files.get(file)?.imports.get(name) ?? { file, name };

/** The type of a field of a class or interface, as the file and name of its declaration. */
function fieldType(owner, field) {
  const declared = files.get(owner?.file);
  const type = declared?.classes.get(owner.name)?.fields.get(field) ?? declared?.types.get(owner.name)?.members.get(field);
  if (type) return declarationOf(owner.file, type);
  for (const base of declared?.types.get(owner.name)?.bases ?? []) {
    const inherited = fieldType(declarationOf(owner.file, base), field);
    if (inherited) return inherited;
  }
  return null;
}

const known = new Map();
const seenInThisRound = new Set();

/** The codes that a function or method can throw, as far as they are known: calls in circles need several rounds. */
function codesOf(file, key, node, owner) {
  const id = `${file}#${key}`;
  const codes = known.get(id) ?? new Set();
  known.set(id, codes);
  if (NOT_FOLLOWED.has(id) || seenInThisRound.has(id)) return codes;
  seenInThisRound.add(id);
  collect(node, { file, owner, locals: new Map(), codes });
  return codes;
}

function follow(scope, codes) {
  for (const code of codes) scope.codes.add(code);
}

function followFunction(scope, name) {
  const { file, name: declared } = declarationOf(scope.file, name);
  const node = files.get(file)?.functions.get(declared);
  if (node) follow(scope, codesOf(file, declared, node, null));
}

function followMethod(scope, type, name) {
  const method = files.get(type?.file)?.classes.get(type.name)?.methods.get(name);
  if (method) follow(scope, codesOf(type.file, `${type.name}.${name}`, method.node, type));
}

/** The declared type of `this`, of a field, or of a variable that was taken from a field. */
function typeOf(expression, scope) {
  if (expression.type === 'ThisExpression') return scope.owner;
  if (expression.type === 'Identifier') return scope.locals.get(expression.value) ?? declarationOf(scope.file, expression.value);
  if (expression.type === 'MemberExpression') return fieldType(typeOf(expression.object, scope), expression.property.value);
  return null;
}

/** Collects the codes in a part of a function, and follows its calls. */
function collect(node, scope) {
  if (Array.isArray(node)) {
    for (const part of node) collect(part, scope);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  visitors[node.type]?.(node, scope);
  if (node.type === 'TryStatement' && catchesRefusals(node.handler)) collect(node.handler, scope);
  else for (const [name, part] of Object.entries(node)) if (!UNVISITED.has(name)) collect(part, scope);
}

const UNVISITED = new Set(['typeAnnotation', 'typeParams', 'span']);

const visitors = {
  KeyValueProperty({ key, value }, { codes }) {
    if (key.value === 'code' && CODES.has(value.value)) codes.add(value.value);
  },
  VariableDeclarator: noteLocals,
  Parameter: ({ pat }, scope) => noteAnnotation(pat, scope),
  Identifier(node, scope) {
    noteAnnotation(node, scope);
    followFunction(scope, node.value);
  },
  MemberExpression: ({ object, property }, scope) => followMethod(scope, typeOf(object, scope), property.value),
  NewExpression({ callee }, scope) {
    followMethod(scope, declarationOf(scope.file, callee.value), 'constructor');
    if (ARGUMENT_ERRORS.has(callee.value)) scope.codes.add(callee.value);
  },
};

/** `if (error instanceof Refusal) return …`, or `if (!(error instanceof Refusal)) throw error`, without further conditions. */
function catchesRefusals(handler) {
  return (handler?.body.stmts ?? []).some(({ type, test, consequent }) => {
    if (type !== 'IfStatement') return false;
    const negated = test.type === 'UnaryExpression';
    let checked = negated ? test.argument : test;
    while (checked.type === 'ParenthesisExpression') checked = checked.expression;
    const isRefusal = checked.operator === 'instanceof' && checked.right.value === 'Refusal';
    return isRefusal && consequent.type === (negated ? 'ThrowStatement' : 'ReturnStatement');
  });
}

/** Variables of known type: `const { ledger } = this.parts`, `const faults = new Faults()`. */
function noteLocals({ id, init }, scope) {
  if (!init) return;
  if (id.type === 'Identifier' && init.type === 'NewExpression')
    scope.locals.set(id.value, declarationOf(scope.file, init.callee.value));
  if (id.type !== 'ObjectPattern') return;
  const owner = typeOf(init, scope);
  for (const { type, key, value } of owner ? id.properties : []) {
    const local = type === 'AssignmentPatternProperty' ? key.value : value?.value;
    const declared = local && fieldType(owner, key.value);
    if (declared) scope.locals.set(local, declared);
  }
}

/** Parameters of known type: `(faults: Faults) => …`. */
function noteAnnotation({ type, value, typeAnnotation }, scope) {
  const name = type === 'Identifier' ? typeNameOf(typeAnnotation) : null;
  if (name) scope.locals.set(value, declarationOf(scope.file, name));
}

/** The comment in front of a public method; Biome's formatting makes the place certain. */
function commentOf(text, className, method) {
  const start = text.indexOf(`\nexport class ${className}`);
  const before = text.slice(start).split(new RegExp(`\\n  (?:async |static |async \\*|\\*)*${method}[(<]`))[0] ?? '';
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/$/.exec(before)?.[0] ?? '';
}

/** Each public method of an exported class, with the codes it can throw. */
function publicMethods() {
  seenInThisRound.clear();
  return [...files].flatMap(([file, { text, classes }]) =>
    [...classes].flatMap(([className, { methods, exported }]) =>
      [...methods]
        .filter(([, { hidden }]) => exported && !hidden)
        .map(([name, { node }]) => ({
          title: `${file}: ${className}.${name}`,
          comment: commentOf(text, className, name),
          body: JSON.stringify(node.body),
          codes: codesOf(file, `${className}.${name}`, node, { file, name: className }),
        })),
    ),
  );
}

const size = (methods) => methods.reduce((sum, { codes }) => sum + codes.size, 0);
let before = -1;
let methods = publicMethods();
while (size(methods) > before) {
  before = size(methods);
  methods = publicMethods();
}

const problems = methods.flatMap(({ title, comment, codes, body }) => {
  // A rule that finds nothing looks just like a rule that nobody breaks.
  if (body.includes('refusalsAsData') && codes.size === 0) return [`${title} returns expected errors, of which none is found.`];
  const documented = comment.split('@throws')[1] ?? '';
  const missing = [...codes].filter((code) => !new RegExp(`\\b${code}\\b`).test(documented)).sort();
  return missing.length > 0 ? [`${title} can throw ${missing.join(', ')}; its @throws does not say so.`] : [];
});
for (const problem of problems) console.error(problem);
const throwing = methods.filter(({ codes }) => codes.size > 0);
if (problems.length === 0) console.log(`${throwing.length} methods of services document every code that they can throw.`);
process.exit(problems.length > 0 ? 1 : 0);
