import { jsonText } from './json-text.mjs';

const HEAD = `# The API by task

\`docs/make-api-page.mjs\` ran each operation on this page against the demo catalogue; each response is the real one. The complete
reference is [schema.graphql](../schema.graphql), which the playground shows too. Send operations to \`POST /graphql\` with
\`authorization: Bearer <token>\`. Amounts are in minor units (cents). Expected failures are data: if a payload has \`errors\`, nothing
changed, and each error has a \`code\` for programs.
`;

/** The anchor that GitHub and others derive from a heading. */
const anchorOf = (title) =>
  `#${title
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')}`;

/** The page under construction: one group per role, each with its tasks in the order in which they were run. */
export class Page {
  constructor(server) {
    this.server = server;
    this.parts = [];
    this.groups = [];
    this.operationsCount = 0;
  }

  /** The following tasks use this role's token, or none if it is null. */
  group(title, role, words) {
    this.role = role;
    this.groups.push({ title, tasks: [] });
    this.parts.push(`## ${title}\n`, `${words}\n`);
  }

  /** Runs an operation, shows it with its response and returns the data. Throws on GraphQL errors. */
  async task(title, words, query, variables) {
    this.begin(title, words, query, variables);
    const data = await this.server.ask(this.role, query, variables);
    this.show('json', jsonText({ data }));
    return data;
  }

  /** The same for an operation that returns GraphQL errors. */
  async refusedTask(title, words, query) {
    this.begin(title, words, query);
    const answer = await this.server.answer(this.role, query);
    if (!answer.errors) throw new Error(`${query}\nwas not refused`);
    this.show('json', jsonText(answer));
  }

  /** The same for a live operation; shows its first item. */
  async liveTask(title, words, query) {
    this.begin(title, words, query);
    this.show('json', jsonText(await this.server.firstOf(this.role, query)));
  }

  begin(title, words, query, variables) {
    this.groups.at(-1).tasks.push(title);
    this.parts.push(`### ${title}\n`, `${words}\n`);
    this.show('graphql', query);
    if (variables) this.show('json', jsonText(variables));
    this.operationsCount += 1;
  }

  show(language, text) {
    this.parts.push(`\`\`\`${language}\n${text.trim()}\n\`\`\`\n`);
  }

  text() {
    const links = (titles) => titles.map((title) => `[${title}](${anchorOf(title)})`).join(' · ');
    const contents = this.groups.map(({ title, tasks }) => `- **${title}**: ${links(tasks)}`);
    return [HEAD, `${contents.join('\n')}\n`, ...this.parts].join('\n');
  }
}
