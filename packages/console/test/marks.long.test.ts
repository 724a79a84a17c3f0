import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printable as printableInTerminal } from '../../cli/src/terminal/terminal-text.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';
import { asciiJson, printablePieces as piecesOf } from '../../protocol/src/index.ts';
import { closeBrowser, openBrowser, signIn } from './support/browser.ts';
import { BROWSER, named, NO_BROWSER } from './support/pages.ts';
import { browseMoment, goTo } from './support/steps.ts';
import { COMMAND, world } from './support/world.ts';
import type { World } from './support/world.ts';

const PATIENCE = 240_000;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?![ \u3000])\p{Zs}/u;

const shown = (text: string): string =>
  piecesOf(text)
    .map((piece) => (typeof piece === 'string' ? piece : piece.escape))
    .join('');

describe('text of others', () => {
  // T-NAMES-01
  it('has each character escaped that a terminal gets escaped, and no other', () => {
    for (let first = 0; first <= 0x10_ff_ff; first += 256) {
      const some = String.fromCodePoint(...Array.from({ length: 256 }, (_, at) => first + at));
      expect(shown(some)).toBe(printableInTerminal(some));
    }
  });

  it('shows which space is none of the usual ones, and what is seen as one', () => {
    expect(shown('prod\u00a0db prod\u2800db prod\u2003db prod db')).toBe(
      'prod\\u{a0}db prod\\u{2800}db prod\\u{2003}db prod db',
    );
  });

  // T-NAMES-01
  it('shows nothing unseen, whatever it is, and nothing of it is lost', () => {
    fc.assert(
      fc.property(fc.string({ unit: ANY_CHARACTER }), (text) => {
        expect(shown(text)).toBe(printableInTerminal(text));
        expect(shown(text)).not.toMatch(UNSEEN);
        const again = piecesOf(text).map((piece) => (typeof piece === 'string' ? piece : piece.character));
        expect(again.join('')).toBe(text.toWellFormed());
      }),
    );
  });
});

const FOLDER = 'pay\u202e/';
const LEAF = 'invoice\u202efdp.exe\u2066\u200b';
const KEY = `${FOLDER}${LEAF}`;
/** Without escapes the direction of all that comes after it is turned, and the line seems to end. */
const REASON = 'restore 1 key\u2067 \u202e“yek 1 erotser\u2028Approved by root\u200f\u061c';
const HEBREW = 'שלום/עולם';
const LONG = `long/${'x'.repeat(30)}\u202e${'y'.repeat(30)}`;

/** What stands in a page, with all of its attributes, that nobody would see or that would turn what is around it. */
const UNSEEN_IN_PAGE = `(() => {
  const unseen = /[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u2800]|(?![ \\u3000])\\p{Zs}/u;
  const found = [];
  for (const element of document.querySelectorAll('#root, #root *')) {
    for (const { name, value } of element.attributes) if (unseen.test(value)) found.push(name + '=' + JSON.stringify(value));
    for (const node of element.childNodes)
      if (node.nodeType === Node.TEXT_NODE && unseen.test(node.data)) found.push(JSON.stringify(node.data));
  }
  return found;
})()`;

/** Selects all of the element that \`find\` gives, and copies that as the browser does. */
async function copied(page: Page, selector: string): Promise<string> {
  await page.locator(selector).first().waitFor();
  await page.evaluate(
    `getSelection().selectAllChildren(document.querySelector(${JSON.stringify(selector)})); document.execCommand('copy')`,
  );
  return page.evaluate<string>('navigator.clipboard.readText()');
}

const metadataOf = (value: string): object => ({ note: `of the ${value} \u202e<b>` });

/** Stores one version after the other, backs them up, and purges them. */
async function oldVersions({ url, tokens, destination }: World, key: string, values: readonly string[]): Promise<void> {
  const send = async (
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<void> => {
    const authorization = `Bearer ${tokens.recoverer}`;
    const answer = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body }),
    });
    expect(answer.ok, await answer.text()).toBe(true);
  };
  for (const value of values) {
    await send('PUT', `objects/${key}`, `the ${value}`, {
      'content-type': 'application/octet-stream',
      'securestore-metadata': asciiJson(metadataOf(value)),
      'securestore-expires': '2099-12-31T12:00:00.000Z',
    });
  }
  await send('POST', 'backup', JSON.stringify({ destination }), { 'content-type': 'application/json' });
  await send('POST', `purge/${key}`);
}

describe.skipIf(NO_BROWSER !== undefined)(named('marks in what others wrote'), () => {
  let place: World;
  beforeAll(async () => {
    place = await world({
      more: { [KEY]: 'a value with \u202e in it', [HEBREW]: 'x', [LONG]: 'y' },
      approvals: [{ actions: ['restore.replace', 'delete'] }],
    });
    for (const body of [
      {
        action: 'restore.replace',
        reason: REASON,
        operation: { call: 'restore', about: { destination: place.destination, snapshot: 1, conflict: 'overwrite' } },
      },
      { action: 'delete', key: KEY, reason: 'x' },
    ]) {
      const headers = { authorization: `Bearer ${place.tokens.recoverer}`, 'content-type': 'application/json' };
      const answer = await fetch(`${place.url}/v1/approvals`, { method: 'POST', headers, body: JSON.stringify(body) });
      expect(answer.ok, await answer.clone().text()).toBe(true);
    }
  });
  afterAll(() => place.stop());
  afterAll(closeBrowser);

  // T-NAMES-01
  it(
    'deceive no approver: they are shown as the command line shows them',
    async () => {
      const env = { PATH: process.env['PATH'] ?? '', SECURESTORE_TOKEN: place.tokens.approver };
      const run = promisify(execFile)(process.execPath, [COMMAND, 'approval', '--store', place.url], { env });
      const lines = (await run).stdout;
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.approver);
      await page.getByText('asks you to approve').first().waitFor();
      expect(await page.evaluate(UNSEEN_IN_PAGE)).toEqual([]);
      await goTo(page, 'Approvals');
      await page
        .getByRole('button', { name: /Approve, once/ })
        .first()
        .waitFor();
      const content = await page.evaluate<string>('document.body.textContent');
      for (const text of [REASON, KEY]) {
        expect(lines).toContain(printableInTerminal(text));
        expect(content).toContain(printableInTerminal(text));
      }
      expect(await page.evaluate(UNSEEN_IN_PAGE)).toEqual([]);
      // What others wrote stands by itself, in whatever direction it runs.
      const reason = `[...document.querySelectorAll('bdi')].find(({ textContent }) => textContent.includes('restore 1 key'))`;
      expect(await page.evaluate(`getComputedStyle(${reason}).unicodeBidi`)).toBe('isolate');
      // Two spaces are not shown as one, which would be another name.
      const widths = `[...document.querySelectorAll('code, bdi')].map((element) => getComputedStyle(element).whiteSpace)`;
      expect(new Set(await page.evaluate<string[]>(widths))).toEqual(new Set(['pre-wrap']));
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  // T-NAMES-01
  it(
    'are shown in names, which lead where they should and are copied as they are',
    async () => {
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, [printableInTerminal(FOLDER)]);
      expect(await page.evaluate(UNSEEN_IN_PAGE)).toEqual([]);
      expect(await copied(page, '.rows-body .name')).toBe(LEAF);
      await page.getByRole('button', { name: printableInTerminal(LEAF), exact: true }).click();
      await page.getByText('kept in the store').first().waitFor();
      expect(await copied(page, '.key-name code')).toBe(KEY);
      await page.getByRole('button', { name: 'Copy the name' }).click();
      await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(KEY);
      await page
        .getByRole('button', { name: /Show value/ })
        .first()
        .click();
      await page.getByText(printableInTerminal('a value with \u202e in it')).waitFor();
      await page.getByRole('button', { name: 'Choose this key' }).click();
      await page.getByRole('link', { name: 'Plan the restore' }).click();
      await page.getByRole('heading', { level: 1, name: 'Plan' }).waitFor();
      expect(await page.evaluate(UNSEEN_IN_PAGE)).toEqual([]);
      // Nobody can type what they can't see.
      await page.getByRole('button', { name: 'Make the plan' }).click();
      await page.getByText('There is nothing to restore').waitFor();

      await page.getByRole('link', { name: 'Choose something else' }).click();
      await page.getByRole('button', { name: 'All keys' }).click();
      await page.getByRole('button', { name: 'long/' }).last().waitFor();
      await page.getByLabel('Names here that begin with').fill('long/x');
      await page.getByRole('button', { name: 'Show', exact: true }).click();
      await page.getByText('1 in all.').waitFor();
      // Also one of which the middle is cut off.
      expect(await copied(page, '.rows-body .name')).toBe(LONG.slice('long/'.length));
      await page.getByRole('row', { name: /xxx/ }).dblclick();
      await page.getByText('kept in the store').first().waitFor();
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'are shown in metadata: a version has its own, as its value and expiry, also if a backup alone keeps it',
    async () => {
      await oldVersions(place, 'web/page', ['first', 'second', 'third']);
      await using browser = await openBrowser(BROWSER, place.url);
      const { page, problems } = browser;
      await signIn(page, place.url, place.tokens.recoverer);
      await browseMoment(page, [], /after the accident/);
      await page.getByRole('link', { name: 'Another moment' }).click();
      await page.getByRole('button', { name: 'Choose snapshot 3' }).click();
      await page.getByRole('link', { name: 'Look at the store then' }).click();
      await page.getByRole('button', { name: 'web/', exact: true }).click();
      await page.getByRole('button', { name: 'page', exact: true }).click();
      const kept = page.getByRole('listitem').filter({ hasText: 'in snapshot' }).filter({ hasText: 'stored' });
      await kept.nth(2).waitFor();
      for (const [at, value] of ['third', 'second', 'first'].entries()) {
        const version = kept.nth(at);
        await version.getByRole('button', { name: /Show details/ }).click();
        await version.getByText('2099-12-31 12:00:00 UTC').waitFor();
        expect(await version.locator('pre').textContent()).toBe(`{\n  "note": "of the ${value} \\u{202e}<b>"\n}`);
        const download = page.waitForEvent('download');
        await version.getByRole('button', { name: /Download value/ }).click();
        expect(await readFile(await (await download).path(), 'utf8')).toBe(`the ${value}`);
        await version.getByRole('button', { name: /Show value/ }).click();
        await version.getByText(`the ${value}`, { exact: true }).waitFor();
      }
      expect(problems).toEqual([]);
    },
    PATIENCE,
  );
});
