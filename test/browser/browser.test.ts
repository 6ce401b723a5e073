import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { accessibilityFaults, House, keepPicture, whyNoBrowser } from './house.js';

const reason = whyNoBrowser();
if (reason) console.warn(`The browser tests are skipped: ${reason}.`);

(reason ? describe.skip : describe)('in a browser', () => {
  let house: House;
  let viewerId: string;

  beforeAll(async () => {
    house = await House.open();
    const viewers = (await (await fetch(`${house.url}/demo/viewers`)).json()) as { id: string }[];
    viewerId = viewers.at(-1)?.id ?? '';
  }, 120_000);

  afterAll(() => house?.close(), 30_000);

  const demo = async () => {
    const page = await house.tab(`/demo?viewer=${viewerId}`);
    await page.locator('#line[data-state=live]').waitFor();
    await page.locator('.plan').first().waitFor();
    return page;
  };

  it('tops up, buys by card and from the balance, gives back; a second tab keeps in step and resumes after a cut', async () => {
    const [page, other] = [await demo(), await demo()];
    const before = await amount(page);

    await page.getByLabel('Top up by card').fill('95.50');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await pay(page, '4000 0000 0000 9995');
    await page.getByRole('alert').getByText('Not paid').waitFor();
    await keepPicture(page, 'checkout');
    expect(await accessibilityFaults(page)).toEqual([]);
    await pay(page, '4242 4242 4242 4242');
    await page.getByText('$95.50 are in your balance.').waitFor();
    await hasAmount(page, before + 95.5);
    await hasAmount(other, before + 95.5);

    const plan = page.locator('.plan').filter({ hasText: /for ([2-9]|\d\d+) days/ });
    const title = await plan.first().locator('h3').innerText();
    await page.getByRole('button', { name: `Buy by card: ${title}` }).click();
    await pay(page, '4242 4242 4242 4242');
    await page.getByText(`Paid. ${title} is yours.`).waitFor();
    await other.locator('.grant[data-status=ACTIVE]').filter({ hasText: title }).waitFor();
    await other.locator('.film.open').first().waitFor();
    await hasAmount(other, before + 95.5);
    await page.getByRole('button', { name: 'Close this message' }).click();
    await keepPicture(page, 'demo-light', 1500);
    expect(await accessibilityFaults(page)).toEqual([]);

    await other.getByRole('button', { name: 'Cut the line' }).click();
    await other.locator('#line[data-state=cut]').waitFor();
    await page.getByRole('button', { name: `Pay from balance: ${title}` }).click();
    await page.getByText(`${title} is yours for`).waitFor();
    await page.locator('.grant[data-status=ACTIVE]').nth(1).waitFor();
    const after = await amountOtherThan(page, before + 95.5);
    expect(await amount(other)).toBe(before + 95.5);
    expect(await other.locator('.grant[data-status=ACTIVE]').count()).toBe(1);
    await other.getByRole('button', { name: 'Reconnect' }).click();
    await hasAmount(other, after);
    await other.locator('.grant[data-status=ACTIVE]').nth(1).waitFor();
    await other.locator('#log').getByText('Resumed.').first().waitFor();
    const versions = (await other.locator('#log li').allInnerTexts())
      .map((line) => /version (\d+)/.exec(line)?.[1])
      .filter(Boolean);
    expect(new Set(versions).size).toBe(versions.length);

    await page
      .locator('.grant[data-status=ACTIVE]')
      .first()
      .getByRole('button', { name: `Give back: ${title}` })
      .click();
    await page
      .getByRole('dialog')
      .getByText(/not yet begun/)
      .waitFor();
    await keepPicture(page, 'refund');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Give back', exact: true }).click();
    await page.locator('.grant[data-status=REFUNDED]').waitFor();
    await other.locator('.grant[data-status=REFUNDED]').waitFor();
    const credited = await amountOtherThan(other, after);
    expect(credited).toBeGreaterThan(after);

    await page.getByRole('button', { name: `Give back: ${title}` }).click();
    await page.getByRole('dialog').getByLabel('Where to').selectOption('to the card');
    await page.getByRole('button', { name: 'Give back', exact: true }).click();
    for (const tab of [page, other]) await tab.locator('#history').getByText('Paid out to the card').waitFor();
    await hasAmount(other, credited);
    await other.locator('#film-count').getByText(/^0 of/).waitFor();
    expect(house.takeFaults()).toEqual([]);
  }, 120_000);

  it('comes back unpaid, goes on or cancels; a debit that pays later arrives by itself', async () => {
    const page = await demo();
    const plan = page.locator('.plan').last();
    const title = await plan.locator('h3').innerText();
    const buy = () => page.getByRole('button', { name: `Buy by card: ${title}` }).click();

    await buy();
    await page.getByRole('link', { name: 'Cancel and go back' }).click();
    await page.getByText(`${title} (`).getByText('is not paid yet').waitFor();
    await page.getByRole('link', { name: 'Go on paying' }).click();
    await page.getByRole('link', { name: 'Cancel and go back' }).click();
    await page.getByRole('button', { name: 'Cancel the order' }).click();
    await page.getByText('The order is cancelled. Nothing was paid.').waitFor();

    await buy();
    await page.getByRole('button', { name: /that pays later/ }).click();
    await page.getByText('is not paid yet').waitFor();
    // The sandbox's bank takes its time.
    await page.locator('.grant[data-status=ACTIVE]').filter({ hasText: title }).waitFor({ timeout: 40_000 });
    expect(house.takeFaults()).toEqual([]);
  }, 120_000);

  it('says what is wrong with a part of a top-up where it was written, and what a search did not find', async () => {
    const page = await demo();
    await page.getByLabel('Top up by card').fill('30');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await pay(page, '4242 4242 4242 4242');
    await page.getByText('$30.00 are in your balance.').waitFor();

    await page
      .getByRole('button', { name: /^To the card: up to \$\d+\.\d\d$/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    for (const [written, fault] of [
      ['much', 'Write an amount such as 20.00.'],
      ['0', 'Write more than nothing.'],
      ['99999', /^At most \$\d+\.\d\d can go back\.$/],
    ] as const) {
      await dialog.getByLabel('How much').fill(written);
      await dialog.getByRole('button', { name: 'Give back', exact: true }).click();
      await dialog.getByRole('alert').getByText(fault).waitFor();
    }
    await dialog.getByLabel('How much').fill('5.00');
    await dialog.getByRole('button', { name: 'Give back', exact: true }).click();
    await page.getByText('$5.00 went back to the card.').waitFor();

    await page.getByLabel('Find').fill('zzz');
    await page.getByText('No film has “zzz” in its title.').waitFor();
    expect(await page.locator('.film').count()).toBe(0);
    await page.getByLabel('Find').fill('');
    await page.locator('.film').first().waitFor();
    expect(house.takeFaults()).toEqual([]);
  }, 60_000);

  it('can be used by keyboard alone, and shows each viewer only their own', async () => {
    const page = await demo();
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to the plans' }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    const first = page
      .getByRole('button', { name: /^Buy by card/ })
      .first()
      .and(page.locator(':focus'));
    await first.waitFor();
    await page.keyboard.press('Enter');
    await page.getByLabel('Card number').and(page.locator(':focus')).waitFor();
    await page.getByRole('link', { name: 'Cancel and go back' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Cancel the order' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('The order is cancelled.').waitFor();

    const mine = await page.locator('.grant').count();
    expect(mine).toBeGreaterThan(0);
    await page.getByLabel('Viewer').selectOption({ index: 1 });
    await page.locator('#grant-list').getByText('Nothing yet.').waitFor();
    await page.locator('#line[data-state=live]').waitFor();
    expect(house.takeFaults()).toEqual([]);
  }, 60_000);

  it('says in words what is wrong with an amount, and fits a narrow screen in the dark', async () => {
    const options = { viewport: { width: 390, height: 844 }, colorScheme: 'dark' } as const;
    const page = await house.tab(`/demo?viewer=${viewerId}`, options);
    await page.locator('.film').first().waitFor();
    await page.getByLabel('Top up by card').fill('a lot');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await page.getByText('Write an amount such as 20.00.').waitFor();
    await page.getByLabel('Top up by card').fill('1');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await page.getByText('The amount must be between $5.00 and $1,000.00.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const { scroll, view } = await page.evaluate(() => {
      const root = globalThis as unknown as { document: { documentElement: { scrollWidth: number; clientWidth: number } } };
      const { scrollWidth, clientWidth } = root.document.documentElement;
      return { scroll: scrollWidth, view: clientWidth };
    });
    expect(scroll).toBeLessThanOrEqual(view);
    await keepPicture(page, 'demo-dark-narrow');
    expect(house.takeFaults()).toEqual([]);
  }, 60_000);

  it('runs the ready tabs of the playground, a live one included', async () => {
    const page = await house.tab('/playground');
    // As one who has just come and clicks nothing else.
    await page.getByRole('button', { name: /^Execute query/ }).click();
    await page.locator('.result-window').getByText('"The Playhouse"').waitFor();
    expect(await page.getByRole('tab').count()).toBe(10);
    await run(page, 'WatchBalance', '"balanceChanged"');
    await run(page, 'CreateFilms', '"The Playhouse"');
    await run(page, 'CreateSubscription', '"DRAFT"');
    await run(page, 'Activate', '"ACTIVE"');
    await run(page, 'BuyByCard', '"checkoutUrl"');
    await run(page, 'Order', '"OPEN"');
    await run(page, 'Access', '"NO_GRANT"');
    await keepPicture(page, 'playground');
    await run(page, 'Ledger', '"discrepancies": []');
    expect(house.takeFaults()).toEqual([]);
  }, 60_000);
});

async function run(page: Page, tab: string, expected: string): Promise<void> {
  await page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
  // The editors take the tab's texts over a moment after the click.
  await page.locator('.graphiql-query-editor').getByText(tab, { exact: true }).first().waitFor();
  await page.getByRole('button', { name: /^Execute query/ }).click();
  const deadline = Date.now() + 15_000;
  for (;;) {
    const answer = (await page.locator('.result-window').innerText()).replaceAll(/\s+/g, ' ');
    if (answer.includes(expected)) return;
    if (Date.now() > deadline) throw new Error(`${tab} answered: ${answer}`);
    await page.waitForTimeout(50);
  }
}

async function pay(page: Page, card: string): Promise<void> {
  await page.getByLabel('Card number').fill(card);
  await page.getByRole('button', { name: /^Pay / }).click();
}

async function amount(page: Page): Promise<number> {
  const field = page.getByTestId('available').filter({ hasText: '.' });
  return Number((await field.innerText()).replaceAll(/[^\d.-]/g, ''));
}

async function hasAmount(page: Page, expected: number): Promise<void> {
  await eventually(async () => Math.abs((await amount(page)) - expected) < 0.001, `a balance of ${expected}`, page);
}

async function amountOtherThan(page: Page, old: number): Promise<number> {
  await eventually(async () => (await amount(page)) !== old, `a balance other than ${old}`, page);
  return amount(page);
}

async function eventually(holds: () => Promise<boolean>, what: string, page: Page): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`There was never ${what}; it stays at ${await amount(page)}.`);
    await page.waitForTimeout(50);
  }
}
