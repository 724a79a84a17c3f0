import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { frontPort } from '../../server/test/support/front-port.ts';
import { CLIENT, oidcProvider } from '../../server/test/support/oidc-provider.ts';
import { closeBrowser, openBrowser } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { world } from './support/world.ts';

const PATIENCE = 240_000;

describe.skipIf(NO_BROWSER !== undefined)(named('signing in with a provider'), () => {
  afterAll(closeBrowser);
  it(
    'leads to the provider and back, from another site, and stays after a reload',
    async () => {
      const { port, leadTo } = await frontPort();
      // Another site than the provider, which is at 127.0.0.1: what a browser keeps from other sites it keeps here.
      const origin = `http://localhost:${port}`;
      const redirect = `${origin}/console/oidc/callback`;
      const { issuer } = await oidcProvider(redirect, { carol: ['db-team'] });
      const folder = await mkdtemp(join(tmpdir(), 'securestore-oidc-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const clientSecretFile = join(folder, 'secret');
      await writeFile(clientSecretFile, CLIENT.secret);
      const settings = {
        name: 'corp',
        keys: `${issuer}/jwks`,
        issuer,
        audience: CLIENT.id,
        algorithms: ['RS256'],
        roles: { claim: 'groups', map: { 'db-team': 'viewer' } },
        console: { redirect, clientSecretFile, title: 'Corp', scopes: ['groups'] },
      };
      const file = join(folder, 'corp.json');
      await writeFile(file, JSON.stringify(settings));
      const place = await world({ serve: ['--oidc', file] });
      onTestFinished(() => place.stop());
      leadTo(Number(new URL(place.url).port));

      await using browser = await openBrowser(BROWSER, origin);
      const { page } = browser;
      await page.goto(`${origin}/console/`);
      await page.getByRole('button', { name: 'Sign in with Corp' }).click();
      await page.waitForURL((url) => url.origin === issuer);
      await page.locator('input[name=login]').fill('carol');
      await page.locator('input[name=password]').fill('x');
      await page.locator('button[type=submit]').click();
      // The next page of the provider asks for consent, by a button of the same kind.
      await page.locator('input[name=login]').waitFor({ state: 'detached' });
      await page.locator('button[type=submit]').click();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      await page.getByText('corp:carol').waitFor();
      await page.reload();
      await page.getByText('Recoverable to').waitFor();
      expect(new URL(page.url()).search).toBe('');

      // Who says no at the provider is back where they were, and told why.
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await page.goto(`${origin}/console/oidc/callback?error=access_denied&state=made-up`);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await page.getByText(/Try again|let you in/).waitFor();
      expect(browser.problems.filter((problem) => problem.startsWith('a request to'))).toEqual([]);
    },
    PATIENCE,
  );
});
