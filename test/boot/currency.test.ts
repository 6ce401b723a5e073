import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { currencyDigits } from '../../src/config/currencies.js';
import { runToEnd } from '../support/run-to-end.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

let home: TestDatabase;
beforeAll(async () => {
  home = await testDatabase();
});
afterAll(() => home.drop());

const balance = `insert into balances (user_id, currency, created_at, updated_at) values (gen_random_uuid(), 'USD', now(), now())`;
const plan = `with film as (insert into films (id, title, created_at, updated_at) values (gen_random_uuid(), 'A film', now(), now()) returning id),
  plan as (insert into subscriptions (id, title, description, status, created_at, updated_at)
    values (gen_random_uuid(), 'Plan', '', 'DRAFT', now(), now()) returning id)
  insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
    select gen_random_uuid(), id, 1, 100, 10, 1000, 'USD', 1, now() from plan`;
const current =
  'update subscriptions s set current_version_id = v.id from subscription_versions v where v.subscription_id = s.id';
const onlyFilms = `insert into subscription_version_films (version_id, film_id) select v.id, f.id from subscription_versions v, films f`;

test.each([
  ['balances', 'main.js', 1],
  ['balances', 'worker.js', 1],
  ['balances', 'cli/reconcile.js', 2],
  ['subscriptions', 'main.js', 1],
])(
  'With %s in another currency than CURRENCY, %s refuses to start',
  async (what, script, code) => {
    await home.empty('balances', 'subscriptions', 'films');
    if (what === 'balances') await home.rows(balance);
    else for (const statement of [`begin; ${plan}; ${onlyFilms}; ${current}; commit`]) await home.rows(statement);
    const ended = await runToEnd(script, { DATABASE_URL: home.url, CURRENCY: 'EUR' });
    expect({ code: ended.code, err: ended.err }).toEqual({
      code,
      err: `CURRENCY: is EUR, but there are ${what} in USD. Set it to USD, or use another database.\n`,
    });
  },
  60_000,
);

test('A currency is one of ISO 4217 that people pay with', () => {
  const digits = Object.fromEntries(
    ['USD', 'EUR', 'JPY', 'ISK', 'UGX', 'KWD', 'TND', 'MGA', 'RSD', 'XOF', 'CLP'].map((code) => [code, currencyDigits(code)]),
  );
  expect(digits).toEqual({ USD: 2, EUR: 2, JPY: 0, ISK: 0, UGX: 0, KWD: 3, TND: 3, MGA: 2, RSD: 2, XOF: 0, CLP: 0 });
  for (const code of ['XXX', 'XTS', 'XAU', 'XDR', 'CLF', 'UYI', 'CHE', 'USN', 'DEM', 'HRK', 'ABC', 'usd', 'US', '']) {
    expect([code, currencyDigits(code)]).toEqual([code, undefined]);
  }
});

test('Every currency but the newest is one that Intl knows, and the demo page counts its digits as we do', async () => {
  const known = new Set(Intl.supportedValuesOf('currency'));
  const { minorUnits, moneyText } = await import('../../public/demo/format.js' as string);
  const all = [...known].filter((code) => currencyDigits(code) !== undefined);
  expect(all.length).toBeGreaterThan(145);
  for (const code of all) {
    const digits = currencyDigits(code) as number;
    expect([code, minorUnits('12', code)]).toEqual([code, 12 * 10 ** digits]);
    const text = moneyText({ amount: 12 * 10 ** digits, currency: code }).replace(/[^\d.]/g, '');
    expect([code, Number(text.replace(/^\./, ''))]).toEqual([code, 12]);
  }
});
