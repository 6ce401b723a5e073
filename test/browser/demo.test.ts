import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { App, accessibilityFaults, keepPicture, overflowPixels, WAIT_MS, whyNoBrowser } from './app.js';
import { pay } from './pay.js';

const reason = whyNoBrowser();
if (reason) console.warn(`The browser tests are skipped: ${reason}.`);

(reason ? describe.skip : describe)('the demo page in a browser', () => {
  let app: App;
  let viewerId: string;

  beforeAll(async () => {
    app = await App.open();
    const viewers = (await (await fetch(`${app.url}/demo/viewers`)).json()) as { id: string }[];
    viewerId = viewers.at(-1)?.id ?? '';
  }, 120_000);

  afterAll(() => app?.close(), 30_000);

  const demo = async () => {
    const page = await app.tab(`/demo?viewer=${viewerId}`);
    await page.locator('#connection[data-state=live]').waitFor();
    await page.locator('.plan').first().waitFor();
    return page;
  };

  it('tops up, buys by card and from the balance, and refunds; a second tab stays in sync and resumes after a disconnect', async () => {
    const [page, other] = [await demo(), await demo()];
    const before = await amount(page);

    await page.getByLabel('Top up by card').fill('95.50');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await pay(page, '4000 0000 0000 9995');
    await page.getByRole('alert').getByText('Payment failed').waitFor();
    await keepPicture(page, 'checkout');
    expect(await accessibilityFaults(page)).toEqual([]);
    await pay(page, '4242 4242 4242 4242');
    await page.getByText('$95.50 was added to your balance.').waitFor();
    await hasAmount(page, before + 95.5);
    await hasAmount(other, before + 95.5);

    const plan = page.locator('.plan').filter({ hasText: /for ([2-9]|\d\d+) days/ });
    const title = await plan.first().locator('h3').innerText();
    await page.getByRole('button', { name: `Buy by card: ${title}` }).click();
    await pay(page, '4242 4242 4242 4242');
    await page.getByText(`Payment complete. You now have access to ${title}.`).waitFor();
    await other.locator('.grant[data-status=ACTIVE]').filter({ hasText: title }).waitFor();
    await other.locator('.film.open').first().waitFor();
    await hasAmount(other, before + 95.5);
    await page.getByRole('button', { name: 'Close this message' }).click();
    expect(await accessibilityFaults(page)).toEqual([]);

    await other.getByRole('button', { name: 'Simulate disconnect' }).click();
    await other.locator('#connection[data-state=disconnected]').waitFor();
    await page.getByRole('button', { name: `Pay from balance: ${title}` }).click();
    await page.getByText(`You now have access to ${title} for`).waitFor();
    await page.locator('.grant[data-status=ACTIVE]').nth(1).waitFor();
    const after = await amountOtherThan(page, before + 95.5);
    expect(await amount(other)).toBe(before + 95.5);
    expect(await other.locator('.grant[data-status=ACTIVE]').count()).toBe(1);
    await other.getByRole('button', { name: 'Reconnect' }).click();
    await hasAmount(other, after);
    await other.locator('.grant[data-status=ACTIVE]').nth(1).waitFor();
    await other.locator('#log').getByText('Resumed.').first().waitFor();
    const versions = await versionsSeen(other);
    expect(versions.length).toBeGreaterThan(2);
    expect(versions).toEqual(versions.map((_version, index) => Number(versions[0]) + index));

    await page
      .locator('.grant[data-status=ACTIVE]')
      .first()
      .getByRole('button', { name: `Cancel and refund: ${title}` })
      .click();
    await page
      .getByRole('dialog')
      .getByText(/^You'll get back \$\d+\.\d\d for \d+ unused days?\. Your access ends immediately\.$/)
      .waitFor();
    await keepPicture(page, 'refund');
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel and refund', exact: true }).click();
    await page.locator('.grant[data-status=REFUNDED]').waitFor();
    await other.locator('.grant[data-status=REFUNDED]').waitFor();
    const credited = await amountOtherThan(other, after);
    expect(credited).toBeGreaterThan(after);

    await page.getByRole('button', { name: `Cancel and refund: ${title}` }).click();
    await page.getByRole('dialog').getByLabel('Refund to:').selectOption('Card');
    await page.getByRole('button', { name: 'Cancel and refund', exact: true }).click();
    for (const tab of [page, other]) await tab.locator('#history').getByText('Refunded to card').waitFor();
    await hasAmount(other, credited);
    await other.locator('#film-count').getByText(/^0 of/).waitFor();
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it('comes back unpaid, then continues or cancels; a debit that succeeds later arrives automatically', async () => {
    const page = await demo();
    const plan = page.locator('.plan').last();
    const title = await plan.locator('h3').innerText();
    const buy = () => page.getByRole('button', { name: `Buy by card: ${title}` }).click();

    await buy();
    await page.getByRole('link', { name: 'Cancel and go back' }).click();
    await page.getByText(`Payment for ${title} (`).getByText("isn't complete.").waitFor();
    await page.getByRole('link', { name: 'Continue to payment' }).click();
    await page.getByRole('link', { name: 'Cancel and go back' }).click();
    await page.getByRole('button', { name: 'Cancel order' }).click();
    await page.getByText('Order cancelled. You were not charged.').waitFor();

    await buy();
    await page.getByRole('button', { name: /that succeeds later/ }).click();
    await page.getByText(`Payment for ${title} is being processed. We'll update this page when your bank responds.`).waitFor();
    // The sandbox's bank takes 10 seconds.
    await app.passTimeAtStripe(11);
    await page.locator('.grant[data-status=ACTIVE]').filter({ hasText: title }).waitFor();
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it('says what is wrong with a part of a top-up where it was written, and what a search did not find', async () => {
    const page = await demo();
    await page.getByLabel('Top up by card').fill('30');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await pay(page, '4242 4242 4242 4242');
    await page.getByText('$30.00 was added to your balance.').waitFor();

    await page
      .getByRole('button', { name: /^Refund to card: up to \$\d+\.\d\d$/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    for (const [written, fault] of [
      ['much', 'Enter an amount such as 20.00.'],
      ['0', 'Enter an amount greater than zero.'],
      ['99999', /^You can refund at most \$\d+\.\d\d\.$/],
    ] as const) {
      await dialog.getByLabel('Amount').fill(written);
      await dialog.getByRole('button', { name: 'Refund to card', exact: true }).click();
      await dialog.getByRole('alert').getByText(fault).waitFor();
    }
    await dialog.getByLabel('Amount').fill('5.00');
    await dialog.getByRole('button', { name: 'Refund to card', exact: true }).click();
    await page.getByText('$5.00 was refunded to your card.').waitFor();

    await page.getByLabel('Search').fill('zzz');
    await page.getByText('No film title contains “zzz”.').waitFor();
    expect(await page.locator('.film').count()).toBe(0);
    await page.getByLabel('Search').fill('');
    await page.locator('.film').first().waitFor();
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

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
    await page.getByRole('button', { name: 'Cancel order' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Order cancelled.').waitFor();

    const mine = await page.locator('.grant').count();
    expect(mine).toBeGreaterThan(0);
    await page.getByLabel('Viewer').selectOption({ index: 1 });
    await page.locator('#grant-list').getByText('No plans yet.').waitFor();
    await page.locator('#connection[data-state=live]').waitFor();
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it('says in words what is wrong with an amount', async () => {
    const page = await demo();
    await page.getByLabel('Top up by card').fill('a lot');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await page.getByText('Enter an amount such as 20.00.').waitFor();
    await page.getByLabel('Top up by card').fill('1');
    await page.getByRole('button', { name: 'Top up', exact: true }).click();
    await page.getByText('The amount must be between $5.00 and $1,000.00.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);

  it.each([
    { colorScheme: 'light', screen: 'wide', width: 1280, ground: 'rgb(251, 247, 240)' },
    { colorScheme: 'dark', screen: 'wide', width: 1280, ground: 'rgb(22, 19, 15)' },
    { colorScheme: 'light', screen: 'narrow', width: 375, ground: 'rgb(251, 247, 240)' },
    { colorScheme: 'dark', screen: 'narrow', width: 375, ground: 'rgb(22, 19, 15)' },
  ] as const)(
    'fits a $screen screen in the $colorScheme',
    async ({ colorScheme, screen, width, ground }) => {
      const page = await app.tab(`/demo?viewer=${viewerId}`, { viewport: { width, height: 844 }, colorScheme });
      await page.locator('.film').first().waitFor();
      await page.locator('.grant').first().waitFor();
      await page.locator('#history td.number').first().waitFor();
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(ground);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(await overflowPixels(page)).toBe(0);
      await keepPicture(page, `demo-${screen}-${colorScheme}`, screen === 'wide' ? 1500 : undefined);
      expect(app.takeFaults()).toEqual([]);
    },
    120_000,
  );

  it('starts over when the changes after its cursors are no longer kept, and is live again', async () => {
    const page = await demo();
    await page.locator('#log').getByText('Balance:').waitFor();
    await page.getByRole('button', { name: 'Simulate disconnect' }).click();
    await page.locator('#connection[data-state=disconnected]').waitFor();
    const before = await amount(page);
    await topUp(await demo(), '11.00');
    await app.expireCursors(viewerId);
    expect(await amount(page)).toBe(before);

    await page.getByRole('button', { name: 'Reconnect' }).click();
    await hasAmount(page, before + 11);
    await page.locator('#log').getByText('Missed changes are no longer available').waitFor();
    await page.locator('#connection[data-state=live]').waitFor();

    await topUp(await demo(), '12.00');
    await hasAmount(page, before + 23);
    await page.locator('#log').getByText('Balance: Card payment $12.00').waitFor();
    expect(await page.locator('#log').getByText('Live updates failed').count()).toBe(0);
    expect(app.takeFaults()).toEqual([]);
  }, 120_000);
});

async function topUp(page: Page, text: string): Promise<void> {
  await page.getByLabel('Top up by card').fill(text);
  await page.getByRole('button', { name: 'Top up', exact: true }).click();
  await pay(page, '4242 4242 4242 4242');
  await page.getByText(`$${text} was added to your balance.`).waitFor();
}

/** The versions of the balance that came over the line, oldest first. */
async function versionsSeen(page: Page): Promise<number[]> {
  const lines = await page.locator('#log li').allInnerTexts();
  return lines
    .flatMap((line) => (/version (\d+)/.exec(line) ?? []).slice(1))
    .map(Number)
    .reverse();
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
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`There was never ${what}; it stays at ${await amount(page)}.`);
    await page.waitForTimeout(50);
  }
}
