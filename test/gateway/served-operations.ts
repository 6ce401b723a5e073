import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Caller } from '../../src/services/caller.js';

/** An operation that the product itself sends or shows. */
export interface ServedOperation {
  readonly source: string;
  readonly role: Caller['role'];
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** What the docs show as its answer. */
  readonly answer?: string;
}

const ROLES: Readonly<Record<string, Caller['role']>> = {
  'Without a token': 'PUBLIC',
  'As a viewer': 'VIEWER',
  'As a service': 'SERVICE',
  'As an admin': 'ADMIN',
};

/** The most that a page, a tab or an example may ask for by each of its variables. */
const FILM_IDS = Array.from({ length: 100 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
const VARIABLES = { filmIds: FILM_IDS };

/** Every operation of the demo page, the playground's tabs, the examples, the README and the docs. */
export async function servedOperations(): Promise<ServedOperation[]> {
  return [...(await demoOperations()), ...(await playgroundTabs()), ...exampleOperations(), ...apiPage(), ...pages()];
}

const load = (file: string): Promise<Record<string, unknown>> => import(path.resolve(file));

export async function demoOperations(): Promise<ServedOperation[]> {
  const operations = Object.entries(await load('public/demo/operations.js'));
  return operations.map(([name, text]) => ({
    source: `demo page: ${name}`,
    role: 'VIEWER',
    text: String(text),
    variables: VARIABLES,
  }));
}

async function playgroundTabs(): Promise<ServedOperation[]> {
  const { storyTabs } = (await load('public/playground/story.js')) as {
    storyTabs(roles: object): { query: string; headers: string; variables?: string }[];
  };
  return storyTabs({ admin: 'ADMIN', viewer: 'VIEWER' }).map(({ query, headers, variables }, index) => ({
    source: `playground: tab ${index + 1}`,
    role: headers.includes('{{ADMIN}}') ? 'ADMIN' : 'VIEWER',
    text: query,
    variables: { ...(variables ? (JSON.parse(variables) as object) : {}), ...VARIABLES },
  }));
}

function exampleOperations(): ServedOperation[] {
  const text = readFileSync('examples/operations.ts', 'utf8');
  const found = [...text.matchAll(/graphql\(`(.*?)`\)/gs)];
  return found.map((match, index) => ({
    source: `examples: operation ${index + 1}`,
    role: 'VIEWER',
    text: match[1] ?? '',
    variables: {},
  }));
}

/** docs/api.md: a heading for each role; then the operations, each with its variables, if it has any, and its answer. */
function apiPage(): ServedOperation[] {
  const groups = readFileSync('docs/api.md', 'utf8').split(/^## /m).slice(1);
  return groups.flatMap((group) => {
    const role = ROLES[group.split('\n', 1)[0] ?? ''];
    if (!role) throw new Error(`docs/api.md has a group that is no role: ${group.split('\n', 1)[0]}`);
    const tasks = group.split(/^### /m).slice(1);
    return tasks.flatMap((task): ServedOperation[] => {
      const [, text] = /^```graphql\n(.*?)^```/ms.exec(task) ?? [];
      const blocks = [...task.matchAll(/^```json\n(.*?)^```/gms)].map((match) => match[1] ?? '');
      if (text === undefined) return [];
      const variables = blocks.length > 1 ? (JSON.parse(blocks[0] ?? '{}') as Record<string, unknown>) : {};
      return [{ source: `docs/api.md: ${task.split('\n', 1)[0]}`, role, text, variables, answer: blocks.at(-1) ?? '' }];
    });
  });
}

/** Operations in the other pages: as GraphQL blocks, in curl's bodies, and in the client of docs/live.md. */
function pages(): ServedOperation[] {
  const files = [...globSync('*.md'), ...globSync('docs/**/*.md'), ...globSync('examples/*.md')].filter(
    (file) => file !== path.join('docs', 'api.md'),
  );
  return files.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const blocks = [...text.matchAll(/^```graphql\n(.*?)^```/gms)].map((match) => match[1] ?? '');
    const asked = [...text.matchAll(/^ask '(.*?)'$/gm)].map((match) => (match[1] ?? '').replaceAll('\\"', '"'));
    return [...blocks, ...asked].map((operation, index) => ({
      source: `${file}: operation ${index + 1}`,
      role: 'VIEWER' as const,
      text: operation,
      variables: VARIABLES,
    }));
  });
}
