import { jsonText } from './json-text.mjs';

const HEAD = `# The API by task

Each operation here was run by \`docs/make-api-page.mjs\` against the demo catalogue, and each answer is what came back. The
reference with every description is [schema.graphql](../schema.graphql), also in the playground. Send operations to
\`POST /graphql\` with \`authorization: Bearer <token>\`. Amounts are in minor units (cents). Expected failures are data: a payload
with \`errors\` changed nothing, and each error has a \`code\` for programs.
`;

/** As the page's readers (GitHub's and others) make it of a heading. */
const anchorOf = (title) =>
  `#${title
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')}`;

/** The page as it grows: groups by who asks, and in each the tasks, as they were done. */
export class Page {
  constructor(house) {
    this.house = house;
    this.parts = [];
    this.groups = [];
    this.operationsCount = 0;
  }

  /** What follows is asked with this role's token; null: with none. */
  group(title, role, words) {
    this.role = role;
    this.groups.push({ title, tasks: [] });
    this.parts.push(`## ${title}\n`, `${words}\n`);
  }

  /** Runs an operation and shows it with its answer. Fails when it ends in GraphQL errors. Gives back the data. */
  async task(title, words, query, variables) {
    this.begin(title, words, query, variables);
    const data = await this.house.ask(this.role, query, variables);
    this.show('json', jsonText({ data }));
    return data;
  }

  /** The same for one that ends in GraphQL errors. */
  async refusedTask(title, words, query) {
    this.begin(title, words, query);
    const answer = await this.house.answer(this.role, query);
    if (!answer.errors) throw new Error(`${query}\nwas not refused`);
    this.show('json', jsonText(answer));
  }

  /** The same for a live operation, of which the first item is shown. */
  async liveTask(title, words, query) {
    this.begin(title, words, query);
    this.show('json', jsonText(await this.house.firstOf(this.role, query)));
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
