import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { JOURNAL_DAMAGE } from '../money/damage/journal-damage.js';
import { LEDGER_DAMAGE } from '../money/damage/ledger-damage.js';
import { REFERENCE_DAMAGE } from '../money/damage/reference-damage.js';

const PAGE = 'docs/reliability.md';
const TABLE = /<!-- damage -->[\s\S]*<!-- \/damage -->/;
const kinds = [...LEDGER_DAMAGE, ...REFERENCE_DAMAGE, ...JOURNAL_DAMAGE];

/** One row for each combination of rules. */
function table(): string {
  const byRules = Map.groupBy(kinds, ([, , rules]) => rules.map((rule) => `\`${rule}\``).join(', '));
  const rows = [...byRules].map(([rules, found]) => `| ${found.map(([what]) => what).join('; ')} | ${rules} |`);
  return [
    '<!-- damage -->',
    '',
    `| ${kinds.length} kinds of damage | found by |`,
    '| --- | --- |',
    ...rows,
    '',
    '<!-- /damage -->',
  ].join('\n');
}

describe('the table of damage in docs/reliability.md', () => {
  it('lists every kind that the tests make, once, with the rules that find it; WRITE_DAMAGE_TABLE=true writes it', () => {
    const page = readFileSync(PAGE, 'utf8');
    if (process.env.WRITE_DAMAGE_TABLE === 'true') writeFileSync(PAGE, page.replace(TABLE, table()));
    expect(TABLE.exec(readFileSync(PAGE, 'utf8'))?.[0]).toBe(table());
  });

  it('has at least 55 kinds, each another', () => {
    expect(new Set(kinds.map(([what]) => what)).size).toBe(kinds.length);
    expect(kinds.length).toBeGreaterThanOrEqual(55);
  });
});
