import type { Page } from 'playwright-core';

/** Goes to a part of the pages. */
export async function goTo(page: Page, part: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Parts' }).getByRole('link', { name: part }).click();
}

/** Begins a recovery at a snapshot, by its label, from the overview. */
export async function chooseMoment(page: Page, label: RegExp = /before the accident/): Promise<void> {
  await page.getByRole('link', { name: 'Start a recovery' }).click();
  await page
    .getByRole('row', { name: label })
    .getByRole('button', { name: /Choose/ })
    .click();
}

/** As {@link chooseMoment}, and looks at the store as it was, down some folders. */
export async function browseMoment(page: Page, folders: readonly string[] = [], label?: RegExp): Promise<void> {
  await chooseMoment(page, label);
  await page.getByRole('link', { name: 'Look at the store then' }).click();
  for (const folder of folders) await page.getByRole('button', { name: folder, exact: true }).click();
}

/** Chooses what is in a row of a list. */
export async function pick(page: Page, row: RegExp): Promise<void> {
  await page.getByRole('row', { name: row }).getByRole('checkbox').check();
}

/** Chooses what is in a row of a list, and goes on to the plan of restoring it. */
export async function planFor(page: Page, row: RegExp): Promise<void> {
  await pick(page, row);
  await page.getByRole('link', { name: 'Plan the restore' }).click();
}

/** Finds keys by a part of their names, from where the store is looked at. */
export async function find(page: Page, text: string): Promise<void> {
  await page.getByRole('link', { name: 'Find a key' }).click();
  await page.getByLabel('Part of the name').fill(text);
  await page.getByRole('button', { name: 'Find', exact: true }).click();
}
