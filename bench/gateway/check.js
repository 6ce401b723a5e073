import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { ask } from './requests.js';
import { scenarios } from './scenarios.js';

const COMPARED = 40;

/** What a write leaves behind, in rows; each contestant must leave the same. */
const TRACES = `select (select count(*) from transactions)::int as transactions, (select count(*) from grants)::int as grants,
  (select count(*) from idempotency_records)::int as records, (select count(*) from journal)::int as "journal",
  (select sum(posted) from balances) as posted, (select sum(version) from balances)::int as versions,
  (select count(*) from stripe_events)::int as "stripeEvents"`;

/**
 * Makes sure that all contestants give the same answers, before any is timed: for reads the same JSON for the same viewers, for
 * writes the same answer and the same rows.
 */
export async function checkSameAnswers(running, names, databaseUrl) {
  const [{ subjects }] = running;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const name of names) {
      const scenario = scenarios[name];
      const taking = running.filter(({ contestant }) => contestant.scenarios.includes(name));
      if (scenario.writes) await compareWrites(name, scenario, taking, subjects, client);
      else await compareReads(name, scenario, taking, subjects);
    }
  } finally {
    await client.end();
  }
}

async function compareReads(name, scenario, taking, subjects) {
  for (const subject of scenario.subjectsOf(subjects).slice(0, COMPARED)) {
    const answers = await Promise.all(taking.map((one) => answerOf(one, name, scenario, subject)));
    compare(name, taking, answers);
  }
}

/** Each contestant buys from a wallet in the same state as the others' were: what is compared is what changed. */
async function compareWrites(name, scenario, taking, subjects, client) {
  const answers = [];
  const [subject] = scenario.subjectsOf(subjects);
  const tracesOf = async () => (await client.query(TRACES)).rows[0];
  let before = await tracesOf();
  for (const one of taking) {
    const answer = await answerOf(one, name, scenario, subject);
    const after = await tracesOf();
    const left = Object.fromEntries(Object.entries(after).map(([key, value]) => [key, Number(value) - Number(before[key])]));
    if (answer.moneyLeft)
      answer.moneyLeft = { ...answer.moneyLeft, amount: answer.moneyLeft.amount - left.posted * answers.length };
    if (answer.version) answer.version -= answers.length;
    answers.push({ answer, left });
    before = after;
  }
  compare(name, taking, answers);
}

async function answerOf({ contestant, server }, name, scenario, subject) {
  const answer = await ask(contestant, server.port, name, scenario, subject, randomUUID());
  const plain = contestant.answer ? contestant.answer(name, answer) : answer;
  return scenario.comparable ? scenario.comparable(plain) : plain;
}

function compare(name, taking, [first, ...others]) {
  for (const [index, other] of others.entries()) {
    const [one, two] = [taking[0], taking[index + 1]].map(({ contestant }) => contestant.title);
    assert.deepEqual(other, first, `${name}: "${two}" answers otherwise than "${one}"`);
  }
}
