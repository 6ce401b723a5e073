import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A declaration in the SDK's types: an interface with its members, or a type alias. */
type Declaration =
  | { kind: 'interface'; members: Map<string, { optional: boolean; type: string }>; index: string | null }
  | { kind: 'alias'; type: string };

interface TypeFile {
  path: string;
  declarations: Map<string, Declaration>;
  imports: Map<string, string>;
}

const resources = join(dirname(fileURLToPath(import.meta.resolve('stripe'))), 'resources');
const files = new Map<string, TypeFile>();

/**
 * What is wrong with a value, held against an interface of the pinned SDK: fields missing, unknown, undefined or of another type,
 * all the way down. Reads the package's own .d.ts files, so that an update of the SDK is checked without anybody's help.
 */
export function problemsWith(value: unknown, file: string, typeName: string): string[] {
  return check(value, typeName, load(join(resources, `${file}.d.ts`)), '', typeName);
}

function check(value: unknown, type: string, file: TypeFile, scope: string, at: string): string[] {
  const alternatives = splitUnion(type);
  const literals = alternatives.filter((alternative) => alternative !== 'OtherString');
  const candidates = literals.length > 0 ? literals : alternatives;
  let best: string[] | null = null;
  for (const candidate of candidates) {
    const problems = checkOne(value, candidate, file, scope, at);
    if (problems.length === 0) return [];
    if (best === null || (typeof value === 'object' && value !== null && problems.length < best.length)) best = problems;
  }
  return candidates.length > 1 && (typeof value !== 'object' || value === null)
    ? [`${at}: ${JSON.stringify(value)} is not ${type}`]
    : (best ?? []);
}

function checkOne(value: unknown, type: string, file: TypeFile, scope: string, at: string): string[] {
  const wrong = [`${at}: ${JSON.stringify(value)?.slice(0, 80)} is not ${type}`];
  if (type === 'null') return value === null ? [] : wrong;
  if (type === 'string' || type === 'OtherString' || type === 'Decimal') return typeof value === 'string' ? [] : wrong;
  if (type === 'number') return typeof value === 'number' ? [] : wrong;
  if (type === 'boolean') return typeof value === 'boolean' ? [] : wrong;
  if (type === 'true' || type === 'false') return String(value) === type && typeof value === 'boolean' ? [] : wrong;
  if (type === 'void') return wrong;
  if (/^'.*'$/.test(type)) return `'${String(value)}'` === type ? [] : wrong;
  const list = /^(Array|ApiList)<(.*)>$/s.exec(type);
  if (list?.[1] === 'Array') return Array.isArray(value) ? checkAll(value, list[2] ?? '', file, scope, at) : wrong;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = list === null ? find(type, file, scope) : null;
    return found?.declaration.kind === 'alias' ? check(value, found.declaration.type, found.file, found.scope, at) : wrong;
  }
  if (list?.[1] === 'ApiList') return checkList(value, list[2] ?? '', file, scope, at);
  if (type.startsWith('{')) return checkInterface(value, parseInterface(type.slice(1, -1)), file, scope, at);
  const found = find(type, file, scope);
  if (found === null) return [`${at}: the type ${type} was not found`];
  if (found.declaration.kind === 'alias') return check(value, found.declaration.type, found.file, found.scope, at);
  return checkInterface(value, found.declaration, found.file, found.scope, at);
}

function checkAll(values: unknown[], type: string, file: TypeFile, scope: string, at: string): string[] {
  return values.flatMap((entry, index) => check(entry, type, file, scope, `${at}[${index}]`));
}

function checkList(value: object, type: string, file: TypeFile, scope: string, at: string): string[] {
  const keys = Object.keys(value).sort().join();
  if (keys !== 'data,has_more,object,url') return [`${at}: a list has the keys ${keys}`];
  return checkAll((value as { data: unknown[] }).data, type, file, scope, `${at}.data`);
}

function checkInterface(
  value: object,
  declaration: Extract<Declaration, { kind: 'interface' }>,
  file: TypeFile,
  scope: string,
  at: string,
): string[] {
  // An event's data is an interface without members: its object is held against a type of its own.
  if (declaration.members.size === 0 && declaration.index === null) return [];
  const problems: string[] = [];
  const fields = value as Record<string, unknown>;
  for (const [name, member] of declaration.members) {
    if (!(name in fields)) {
      if (!member.optional) problems.push(`${at}.${name} is missing`);
    } else problems.push(...check(fields[name], member.type, file, scope, `${at}.${name}`));
  }
  for (const [name, field] of Object.entries(fields)) {
    if (declaration.members.has(name)) continue;
    if (declaration.index === null) problems.push(`${at}.${name} is unknown to the SDK`);
    else problems.push(...check(field, declaration.index, file, scope, `${at}.${name}`));
  }
  return problems;
}

/** Looks a name up as TypeScript does: in the namespaces around, in the file, then where it is imported from. */
function find(name: string, file: TypeFile, scope: string): { declaration: Declaration; file: TypeFile; scope: string } | null {
  for (let around = scope; ; around = around.includes('.') ? around.slice(0, around.lastIndexOf('.')) : '') {
    const full = around === '' ? name : `${around}.${name}`;
    const declaration = file.declarations.get(full);
    // Inside `interface Session.X`, names are looked up in the namespaces Session and, for its own parts, Session.X.
    if (declaration !== undefined) return { declaration, file, scope: full };
    if (around === '') break;
  }
  const [head] = name.split('.');
  const from = file.imports.get(head ?? '');
  if (from === undefined) return null;
  const other = load(from);
  const declaration = other.declarations.get(name);
  return declaration === undefined ? find(name, other, '') : { declaration, file: other, scope: name };
}

function load(path: string): TypeFile {
  const known = files.get(path);
  if (known !== undefined) return known;
  if (!existsSync(path)) throw new Error(`The SDK has no ${path}`);
  const source = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const file: TypeFile = { path, declarations: new Map(), imports: new Map() };
  files.set(path, file);
  for (const found of source.matchAll(/(?:import|export) (?:type )?\{([^}]*)\} from '([^']+)'/g)) {
    const target = resolve(dirname(path), (found[2] ?? '').replace(/\.js$/, '.d.ts'));
    for (const name of (found[1] ?? '').split(',')) file.imports.set(name.trim().split(' as ').pop() ?? '', target);
  }
  declare(source, '', file);
  return file;
}

/** Takes the interfaces, aliases and namespaces of a piece of source into the file's declarations. */
function declare(source: string, scope: string, file: TypeFile): void {
  const heads = /(?:^|\n)\s*(?:export )?(?:declare )?(interface|namespace|class|type) (\w+)[^{;=]*([{=])/g;
  for (let head = heads.exec(source); head !== null; head = heads.exec(source)) {
    const [, kind, name = '', opener] = head;
    const full = scope === '' ? name : `${scope}.${name}`;
    if (opener === '=') {
      const end = source.indexOf(';', heads.lastIndex);
      file.declarations.set(full, { kind: 'alias', type: source.slice(heads.lastIndex, end).trim() });
      heads.lastIndex = end;
      continue;
    }
    const end = closing(source, heads.lastIndex - 1);
    const body = source.slice(heads.lastIndex, end);
    if (kind === 'interface') {
      file.declarations.set(full, parseInterface(body));
    }
    if (kind === 'namespace') declare(body, full, file);
    heads.lastIndex = end;
  }
}

function parseInterface(body: string): Extract<Declaration, { kind: 'interface' }> {
  const members = new Map<string, { optional: boolean; type: string }>();
  let index: string | null = null;
  for (const statement of splitAtDepthZero(body, ';')) {
    const indexed = /^\[\w+: string\]: ([\s\S]+)$/.exec(statement);
    const member = /^['"]?([\w.]+)['"]?(\?)?: ([\s\S]+)$/.exec(statement);
    if (indexed !== null) index = indexed[1] ?? null;
    else if (member !== null) members.set(member[1] ?? '', { optional: member[2] === '?', type: (member[3] ?? '').trim() });
  }
  return { kind: 'interface', members, index };
}

function splitUnion(type: string): string[] {
  return splitAtDepthZero(type, '|');
}

function splitAtDepthZero(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let position = 0; position <= text.length; position++) {
    const character = text[position];
    if (character !== undefined && '{<(['.includes(character)) depth += 1;
    if (character !== undefined && '}>)]'.includes(character)) depth -= 1;
    if (position === text.length || (depth === 0 && character === separator)) {
      const part = text.slice(start, position).trim();
      if (part !== '') parts.push(part);
      start = position + 1;
    }
  }
  return parts;
}

function closing(source: string, open: number): number {
  let depth = 0;
  for (let position = open; position < source.length; position++) {
    if (source[position] === '{') depth += 1;
    if (source[position] === '}') depth -= 1;
    if (depth === 0) return position;
  }
  throw new Error('Unbalanced braces in the types of the SDK');
}
