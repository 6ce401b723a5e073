import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { DEMO_VIEWERS } from '../../src/demo/people.js';
import { App, accessibilityFaults, keepPicture, overflowPixels, WAIT_MS, whyNoBrowser } from './app.js';
import { pay } from './pay.js';

const reason = whyNoBrowser();
if (reason) console.warn(`The browser tests are skipped: ${reason}.`);

/** Violations by GraphiQL 4 and its CodeMirror, by axe's rule: nothing that this package could fix in its own page. */
const ofGraphiQL = new Set([
  // CodeMirror's hidden text fields have no names.
  'label',
  // The type names of the documentation differ from the text by colour alone.
  'link-in-text-block',
  // Each tab holds its button to close it, which is smaller than 24 pixels.
  'nested-interactive',
  'target-size',
  // CodeMirror takes its scrolled areas out of the order of Tab: its text field scrolls them.
  'scrollable-region-focusable',
]);

interface Answer {
  data: {
    purchase: { order: { checkoutUrl: string } };
    refundGrant: { refund: unknown };
    balanceChanged: {
      balance: { version: number; available: { amount: number } };
      transaction: { amount: { amount: number } } | null;
    };
  };
}

const ownFaults = async (page: Page) =>
  (await accessibilityFaults(page)).filter(
    (fault) => !ofGraphiQL.has(fault.split(':')[0] ?? '') || !/graphiql|CodeMirror|textarea/.test(fault),
  );

(reason ? describe.skip : describe)('the playground in a browser', () => {
  let app: App;

  beforeAll(async () => {
    app = await App.open();
  }, 120_000);

  afterAll(() => app?.close(), 30_000);

  it('runs the whole story in its example tabs: a purchase by card in a second tab, its refund, and the Stripe events of both', async () => {
    const page = await app.tab('/playground');
    // As one who has just come and clicks nothing else.
    await page.getByRole('button', { name: /^Execute query/ }).click();
    await page.locator('.result-window').getByText('"The Playhouse"').waitFor();
    expect(await page.getByRole('tab').count()).toBe(10);
    await run(page, 'CreateFilms', '"The Playhouse"');
    await run(page, 'CreateSubscription', '"DRAFT"');
    await run(page, 'Activate', '"ACTIVE"');
    const { checkoutUrl } = (await run(page, 'BuyByCard', '"checkoutUrl"')).data.purchase.order;
    await run(page, 'Order', '"OPEN"');
    await run(page, 'Access', '"NO_GRANT"');
    await keepPicture(page, 'playground');

    const checkout = await page.context().newPage();
    await checkout.goto(checkoutUrl);
    await pay(checkout, '4242 4242 4242 4242');
    await runUntil(page, 'Order', '"PAID"');
    await run(page, 'Access', '"GRANTED"');
    const { refund } = (await run(page, 'Refund', '"REFUNDED"')).data.refundGrant;
    expect(refund).toEqual({ status: 'SUCCEEDED', destination: 'CARD', amount: { amount: 300, currency: 'USD' } });
    await run(page, 'Access', '"REFUNDED"');
    await runUntil(page, 'Events', '"checkout.session.completed"');
    await run(page, 'Ledger', '"discrepancies": []');
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it('shows a change of the balance while its live tab runs', async () => {
    const page = await app.tab('/playground');
    const first = (await run(page, 'WatchBalance', '"balanceChanged"')).data.balanceChanged;
    expect(first.transaction).toBeNull();
    await adjust(app, 150);
    const second = (await answerWith(page, '"ADJUSTMENT"')).data.balanceChanged;
    expect(second.transaction?.amount).toEqual({ amount: 150 });
    expect(second.balance.version).toBe(first.balance.version + 1);
    expect(second.balance.available.amount).toBe(first.balance.available.amount + 150);
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it.each(['light', 'dark'] as const)(
    'shows what each field is for, and can be read in the %s',
    async (colorScheme) => {
      const page = await app.tab('/playground', { colorScheme });
      await run(page, 'CreateFilms', '"The Playhouse"');
      await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
      const documentation = page.locator('.graphiql-doc-explorer');
      await documentation.getByRole('link', { name: 'Live', exact: true }).click();
      await documentation.getByText('Changes of the balance. Without after, the current balance is sent first').waitFor();
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
        colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(33, 42, 59)',
      );
      expect(await ownFaults(page)).toEqual([]);
      expect(app.takeFaults()).toEqual([]);
    },
    120_000,
  );

  it('fits a narrow screen in the dark', async () => {
    const page = await app.tab('/playground', { viewport: { width: 375, height: 812 }, colorScheme: 'dark' });
    await run(page, 'CreateFilms', '"The Playhouse"');
    expect(await overflowPixels(page)).toBe(0);
    expect(await ownFaults(page)).toEqual([]);
    await keepPicture(page, 'playground-narrow-dark');
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);
});

(reason ? describe.skip : describe)('the playground for admins only', () => {
  let app: App;

  beforeAll(async () => {
    app = await App.open({ PLAYGROUND: 'admins' });
  }, 120_000);

  afterAll(() => app?.close(), 30_000);

  it('lets an admin in by their token, and runs the tabs with it', async () => {
    const page = await app.tab('/playground');
    const field = page.getByLabel('Admin access token');
    const open = page.getByRole('button', { name: 'Sign in' });
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await overflowPixels(page)).toBe(0);
    await field.fill(app.token('viewer'));
    await open.click();
    await page.getByRole('alert').getByText('This token does not have the admin role, or it has expired.').waitFor();
    // The browser itself logs the refusal.
    expect(app.takeFaults()).toEqual([expect.stringContaining('403')]);

    await field.fill(app.token('admin'));
    await open.click();
    await run(page, 'CreateFilms', '"The Playhouse"');
    await page.reload();
    await run(page, 'CreateSubscription', 'run the tab that creates it first');
    await run(page, 'Ledger', '"discrepancies": []');
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it('asks with the token that is pasted into its field, and keeps it for this browser tab only', async () => {
    const page = await app.tab('/playground');
    await page.getByLabel('Admin access token').fill(app.token('admin'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    const own = page.getByLabel('Custom token:');
    // Until the page has started, its field is not yet connected.
    await page.locator('.graphiql-query-editor').waitFor();
    await own.fill(app.token('viewer'));
    await run(page, 'Ledger', '"FORBIDDEN"');
    await run(page, 'WatchBalance', '"balanceChanged"');
    await own.fill(app.token('admin'));
    await run(page, 'Ledger', '"discrepancies": []');
    expect(await page.evaluate('JSON.stringify(localStorage)')).not.toContain(app.token('admin'));
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);
});

/** Opens an example tab and runs it once; returns its answer, which contains what is expected. */
async function run(page: Page, tab: string, expected: string): Promise<Answer> {
  await page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
  // The editors take the tab's texts over a moment after the click.
  await page.locator('.graphiql-query-editor').getByText(tab, { exact: true }).first().waitFor();
  await page.getByRole('button', { name: /^Execute query/ }).click();
  return answerWith(page, expected);
}

/** Runs the tab of a question again until its answer holds what is expected: Stripe's news come a moment after a payment. */
async function runUntil(page: Page, tab: string, expected: string): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const answered = page.waitForResponse((response) => response.url().endsWith('/graphql'));
    const answer = await run(page, tab, '"data"');
    const text = await (await answered).text();
    if (text.includes(expected)) return answerWith(page, expected);
    if (attempt === 50) throw new Error(`${tab} answered: ${JSON.stringify(answer)}`);
  }
}

/** The answer that is shown, once it holds what is expected. */
async function answerWith(page: Page, expected: string): Promise<Answer> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    // As a whole: the page itself has only those lines in it that can be seen.
    const shown = await page.evaluate("document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()");
    if (String(shown).includes(expected)) return JSON.parse(String(shown));
    if (Date.now() > deadline) throw new Error(`There was never ${expected} but: ${shown}`);
    await page.waitForTimeout(50);
  }
}

/** An admin puts money into the balance of the viewer of the ready tabs. */
async function adjust(app: App, amount: number): Promise<void> {
  const query = `mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { errors { message } } }`;
  const input = { userId: DEMO_VIEWERS[0].id, amount, currency: 'USD', reason: 'Goodwill', idempotencyKey: randomUUID() };
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${app.token('admin')}` },
    body: JSON.stringify({ query, variables: { input } }),
  });
  expect(await response.json()).toEqual({ data: { adjustBalance: { errors: [] } } });
}
