import type { Page } from 'playwright-core';

/** Pays on the sandbox's checkout page, which the tab shows. */
export async function pay(page: Page, card: string): Promise<void> {
  await page.getByLabel('Card number').fill(card);
  await page.getByRole('button', { name: /^Pay / }).click();
}
