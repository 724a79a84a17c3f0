import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeBrowser, openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { goTo } from './support/steps.ts';
import { world } from './support/world.ts';
import type { Person, World } from './support/world.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const PATIENCE = 240_000;
const DAMAGED = 'db/prod/damaged archive';

describe.skipIf(NO_BROWSER !== undefined)(named('a drill that finds something wrong'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world({ damaged: DAMAGED, schedules: ['nightly'] });
  });
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  const told: readonly (readonly [who: Person, says: RegExp])[] = [
    ['recoverer', new RegExp(`1 problem\\. First: “${DAMAGED}”: `)],
    // Whoever may back up need not know what there is.
    ['operator', /1 problem\. First: object [0-9a-f]{16}: /],
  ];

  it.each(LONG ? told : told.slice(0, 1))(
    'says to the %s which object it is, as far as that may be known',
    async (who, says) => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens[who]);
      await goTo(page, 'Backups');
      // A schedule that no process has run is not good.
      await page
        .getByRole('row', { name: /nightly/ })
        .getByText('has not run yet')
        .waitFor();
      await page.getByRole('button', { name: 'Try a recovery' }).click();
      await page.getByText('Done, with problems').waitFor({ timeout: 120_000 });
      await expect(page.getByText(/restored in/).textContent()).resolves.toMatch(says);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );
});
