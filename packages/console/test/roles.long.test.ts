import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import type { ApprovalRequest, ApprovalRule, Policy } from 'securestore';
import { addPrincipal, grantRole } from 'securestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeBrowser, openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { browseMoment, chooseMoment, find, goTo, planFor } from './support/steps.ts';
import { BEFORE, world } from './support/world.ts';
import type { Person, World } from './support/world.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const PATIENCE = 240_000;

/** Restores something without the pages, beside what is there. */
async function restored({ url, tokens, destination }: World, prefix: string): Promise<void> {
  const answer = await fetch(`${url}/v1/restore`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.recoverer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ destination, snapshot: 1, prefix, into: 'beside/' }),
  });
  expect(answer.status).toBe(200);
}

/** Asks for something without the pages. */
async function send<T>(
  { url, tokens }: World,
  who: Person,
  [method, path, body]: readonly [method: string, path: string, body?: object],
): Promise<{ readonly status: number; readonly json: T }> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${tokens[who]}`,
      'content-type': method === 'PUT' ? 'application/octet-stream' : 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json().catch(() => undefined)) as T };
}

/** Comes to a plan for a key that was overwritten. */
async function planIn(page: Page): Promise<void> {
  await browseMoment(page);
  await find(page, 'prod/password');
  await planFor(page, /db\/prod\/password/);
}

describe.skipIf(NO_BROWSER !== undefined)(named('who may do what in the pages'), () => {
  let place: World;
  beforeAll(async () => {
    const approvals: ApprovalRule[] = [
      { actions: ['restore.replace', 'access.change'] },
      { actions: ['read'], keys: ['api/**'] },
    ];
    place = await world({ approvals });
  });
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  it.runIf(LONG)(
    onlyLong('asks nobody to confirm or approve what changes nothing'),
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['db/']);
      await planFor(page, /staging/);
      await page.getByRole('button', { name: 'Make the plan' }).click();
      await page.getByText('There is nothing to restore').waitFor();
      await page.getByText('All of it is in the store as it was then.').waitFor();
      expect(await page.getByText('This takes a second person').count()).toBe(0);
      expect(await page.getByRole('heading', { name: 'Confirm' }).count()).toBe(0);
      // What was chosen to be left as it is, and what would stop at something in the way.
      await page.getByRole('link', { name: 'Choose something else' }).click();
      await page.getByRole('button', { name: 'api/' }).waitFor();
      await find(page, 'prod/password');
      await page.getByRole('button', { name: 'Clear' }).click();
      await planFor(page, /db\/prod\/password/);
      await page.getByLabel(/^Stop before/).check();
      await page.getByRole('button', { name: 'Make the plan' }).click();
      await page.getByText('This would stop before anything is changed').waitFor();
      await page.getByLabel(/^Leave it/).check();
      await page.getByRole('button', { name: 'Make the plan' }).click();
      await page.getByText('1 key is there as another version, and stays as you chose.').waitFor();
      expect(await page.getByText('This takes a second person').count()).toBe(0);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'lets two people restore what one of them may not alone',
    async () => {
      await using first = await openBrowser(BROWSER, place.url);
      await using second = await openBrowser(BROWSER, place.url);
      await signIn(first.page, place.url, place.tokens.recoverer);
      await planIn(first.page);
      await first.page.getByRole('button', { name: 'Make the plan' }).click();
      await first.page.getByText('This takes a second person').waitFor();
      expect(await first.page.getByRole('button', { name: 'Start the restore' }).count()).toBe(0);
      await first.page.getByLabel('What for').fill('the password was overwritten');
      await first.page.getByRole('button', { name: 'Ask for approval' }).click();
      await first.page.getByText('Waits for a second person').waitFor();

      // Whoever asks finds their request, and no way of granting it.
      await using same = await openBrowser(BROWSER, place.url);
      await signIn(same.page, place.url, place.tokens.recoverer);
      await same.page.getByRole('link', { name: 'Approvals' }).click();
      await same.page.getByText('the password was overwritten').waitFor();
      expect(await same.page.getByRole('button', { name: /Approve/ }).count()).toBe(0);

      // The other one finds it under what waits for them, and approves.
      await signIn(second.page, place.url, place.tokens.approver);
      await second.page.getByRole('link', { name: 'Decide' }).click();
      await second.page.getByText('the password was overwritten').waitFor();
      // What the server found, and not what was written, is what is approved.
      await second.page.getByText(/The server would replace \d+ object/).waitFor();
      await second.page.getByText('recoverer writes', { exact: true }).waitFor();
      await second.page.getByRole('button', { name: /Approve, once/ }).click();
      await second.page.getByText('approved', { exact: true }).waitFor();

      // The page of the first one goes on by itself.
      await first.page.getByLabel(/to confirm/).fill('db/prod/password');
      await first.page.getByRole('button', { name: 'Start the restore' }).click();
      await first.page.getByText('It is back').waitFor({ timeout: 120_000 });
      expect([...first.problems, ...second.problems, ...same.problems]).toEqual([]);
    },
    PATIENCE,
  );

  it.runIf(LONG)(
    onlyLong('shows how a policy would change to who may see it, and what was approved and is outdated'),
    async () => {
      const ask = async (body: object): Promise<string> =>
        (await send<ApprovalRequest>(place, 'recoverer', ['POST', '/v1/approvals', body])).json.id;
      const { json: policy } = await send<Policy>(place, 'recoverer', ['GET', '/v1/policy']);
      const next = grantRole('eve', 'viewer')(addPrincipal('eve', 'user')(policy));
      const operation = { call: 'access.change', about: { policies: [next] } };
      await ask({ action: 'access.change', operation, reason: 'eve is new here' });
      for (const [who, isShown] of [
        ['officer', true],
        ['approver', false],
      ] as const) {
        await using other = await openBrowser(BROWSER, place.url);
        await signIn(other.page, place.url, place.tokens[who]);
        await goTo(other.page, 'Approvals');
        const change = other.page.getByRole('listitem').filter({ hasText: 'eve is new here' });
        await change.getByText('The server would run').waitFor();
        await change.getByText('1 added, 0 changed, 0 removed').waitFor();
        expect(await change.getByText('principal "eve": new, a user, gets "viewer"', { exact: true }).count()).toBe(
          isShown ? 1 : 0,
        );
        expect(other.problems).toEqual([]);
      }

      const restore = { destination: place.destination, snapshot: 1, prefix: 'db/staging/', conflict: 'overwrite' };
      const put = (): Promise<unknown> => send(place, 'recoverer', ['PUT', '/v1/objects/db/staging/password', {}]);
      await put();
      const id = await ask({ action: 'restore.replace', operation: { call: 'restore', about: restore } });
      await send(place, 'approver', ['POST', `/v1/approvals/${id}/approve`, {}]);
      await put();
      expect(await send(place, 'recoverer', ['POST', '/v1/restore', restore])).toMatchObject({ status: 403 });
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await page.getByRole('link', { name: 'Approvals' }).click();
      const stale = page.getByRole('listitem').filter({ hasText: 'outdated' });
      await stale.getByText('What it would do has changed since it was approved').waitFor();
      await stale.getByText(/approved by approver/).waitFor();
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it.runIf(LONG)(
    onlyLong('lets one read once what another has approved'),
    async () => {
      await using first = await openBrowser(BROWSER, place.url);
      await using second = await openBrowser(BROWSER, place.url);
      const { page } = first;
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, ['api/', 'mail/']);
      await page.getByRole('button', { name: 'token', exact: true }).click();
      const show = page.getByRole('button', { name: /Show value/ }).first();
      await show.click();
      await page.getByText('This takes a second person').waitFor();
      await page.getByLabel('What for').fill('the mail does not go out');
      await page.getByRole('button', { name: 'Ask for approval' }).click();
      await page.getByText('Waits for a second person').waitFor();
      expect(await page.getByText('mail token').count()).toBe(0);

      await signIn(second.page, place.url, place.tokens.approver);
      await goTo(second.page, 'Approvals');
      const request = second.page.getByRole('listitem').filter({ hasText: 'the mail does not go out' });
      await request.getByText('The server would show this value').waitFor();
      await request.getByRole('button', { name: /Approve, once/ }).click();
      await request.getByText('approved', { exact: true }).waitFor();

      // The page goes on by itself.
      await page.getByText(/^By approver/).waitFor();
      await show.click();
      await page.getByText('mail token').waitFor();
      await page.getByRole('button', { name: 'Hide' }).click();
      await show.click();
      await page.getByText('This takes a second person').waitFor();
      // What was refused at first is no problem.
      expect(second.problems).toEqual([]);
    },
    PATIENCE,
  );

  it.runIf(LONG)(
    onlyLong('says to who may read a part what is not in a download, and what is not shown'),
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await restored(place, 'api/');
      await signIn(page, place.url, place.tokens.partial);
      await chooseMoment(page);
      await page.getByRole('link', { name: 'Look at the store then' }).click();
      await planFor(page, /db\//);
      await page.getByRole('button', { name: 'Download the tar' }).click();
      await page.getByText('2 of 3 objects will not be in it').waitFor();
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download the other one' }).click(),
      ]);
      const tar = await readFile(await file.path(), 'utf8');
      expect(tar).toContain(BEFORE['db/staging/password']);
      expect(tar).not.toContain(BEFORE['db/prod/password']);
      expect(tar).toContain('2 objects are not in this archive');

      // Each thing of a destination is asked for once.
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await goTo(page, 'Backups');
      await page.getByText('One more receipt is not shown: it names keys that you may not see.').waitFor();
      expect(asked.filter((path) => path === '/v1/recovery-points/timeline').length).toBe(1);
      expect(asked.filter((path) => path === '/v1/recovery-points/receipts').length).toBe(1);
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'shows a viewer nothing that they may not do, and the server refuses it anyway',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.viewer);
      const parts = await page.getByRole('navigation', { name: 'Parts' }).getByRole('link').allTextContents();
      expect(parts).toEqual(['Overview', 'Recover', 'Approvals', 'Backups']);
      await planIn(page);
      // Where to: a download is asked for object by object, and is all that is left.
      await page.getByRole('heading', { level: 1, name: 'Plan' }).waitFor();
      expect(await page.getByRole('radio').count()).toBe(1);
      for (const name of [/Start the restore/, /Make the plan/, /Ask for approval/]) {
        expect(await page.getByRole('button', { name }).count()).toBe(0);
      }
      // Nothing of it may be read: said here, and no file begins.
      const files: unknown[] = [];
      page.on('download', (file) => files.push(file));
      await page.getByRole('button', { name: 'Download the tar' }).click();
      await page.getByText('read is not allowed on the one chosen object').waitFor();
      expect(files).toEqual([]);
      await goTo(page, 'Backups');
      await page.getByRole('table', { name: /newest snapshots/ }).waitFor();
      expect(await page.getByRole('button', { name: /Back up now|Verify|Try a recovery/ }).count()).toBe(0);

      // As the page would ask, with its cookie and what goes with it.
      const refused = await page.evaluate(async (destination) => {
        const { csrf } = (await (await fetch('/console/session')).json()) as { csrf: string };
        const headers = { 'content-type': 'application/json', 'securestore-csrf': csrf };
        const ask = async (method: string, path: string, body?: object): Promise<number> =>
          (await fetch(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })).status;
        return Promise.all([
          ask('POST', '/v1/restore', { destination, prefix: 'db/', conflict: 'overwrite' }),
          ask('POST', '/v1/restore', { destination, prefix: 'db/', into: 'x/', dryRun: true }),
          ask('POST', '/v1/backup', { destination }),
          ask('GET', '/v1/audit/entries'),
          ask('GET', '/v1/encryption-keys'),
          ask('GET', '/v1/objects/db/prod/password'),
          ask(
            'GET',
            `/v1/recovery-points/objects/db/prod/password?destination=${encodeURIComponent(destination)}&snapshot=1`,
          ),
        ]);
      }, place.destination);
      expect(refused).toEqual(refused.map(() => 403));
      // A value that may not be read says so, where it was asked for.
      await goTo(page, 'Recover');
      await page.getByRole('link', { name: 'Look at the store then' }).click();
      await page.getByRole('button', { name: 'config/' }).click();
      await page.getByRole('button', { name: 'app' }).click();
      await page
        .getByRole('button', { name: /Show value/ })
        .first()
        .click();
      await page
        .getByText(
          'read on this key is not allowed ACCESS_DENIED Ask an administrator of the store for the right “read” on this key.',
        )
        .waitFor();
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );
});
