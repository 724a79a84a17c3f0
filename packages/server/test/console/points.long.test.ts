import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowsePage, RestoreFacts, Timeline } from 'securestore';
import { readRestoreReceipt, setApprovals, setRole } from 'securestore';
import { CONSOLE_PATHS } from '@securestore/protocol';
import type { Download, Wire, WorkRecord } from '@securestore/protocol';
import { unpackTar } from 'modern-tar';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Browser } from '../support/browser.ts';
import { browserAt, builtConsole } from '../support/browser.ts';
import type { Answer, World } from '../support/world.ts';
import { codeIn, EVERYTHING, world } from '../support/world.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

interface Scene extends World {
  /** Where the store is backed up, and the same in a query. */
  readonly place: string;
  readonly at: string;
  readonly browser: (name: string) => Promise<Browser>;
}

/** A store with a backup, that has changed since: somebody who may do everything, somebody who looks, and somebody who sees a part. */
async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const here = await world({ console: await builtConsole(), clock }, { clock });
  const { store } = here;
  const place = `memory:${randomUUID()}`;
  await store.storeMany(['db/a', 'db/b', 'db/deep/c', 'web/d'].map((key) => ({ key, data: `then ${key}` })));
  await store.backup(place);
  await store.store('db/a', 'now');
  await store.delete('db/b');
  await store.store('db/new', 'now');
  const view = { effect: 'allow', actions: ['backup.view'] } as const;
  const tokens: Record<string, string> = {
    ann: await here.somebody('ann', EVERYTHING),
    vic: await here.somebody('vic', [view, { effect: 'allow', actions: ['list', 'history'] }]),
    paul: await here.somebody('paul', [
      view,
      { effect: 'allow', actions: ['list', 'history'] },
      { effect: 'allow', actions: ['read'], keys: ['web/**'] },
    ]),
    dora: await here.somebody('dora', [
      view,
      { effect: 'allow', actions: ['list', 'history', 'read'], keys: ['db/**'] },
    ]),
  };
  return {
    ...here,
    place,
    at: encodeURIComponent(place),
    async browser(name) {
      const browser = browserAt(here);
      expect((await browser.signIn(tokens[name] ?? '')).status).toBe(200);
      return browser;
    },
  };
}

const get = async <T>(browser: Browser, path: string): Promise<T> => {
  const answer = await browser.send('GET', path);
  expect(answer.status, answer.body.toString()).toBe(200);
  return answer.json() as T;
};

const namesIn = ({ entries }: Wire<BrowsePage>): string[] => entries.map(({ key }) => key);

/** Asks for a download. */
const ask = async (browser: Browser, json: object): Promise<Download> => {
  const answer = await browser.send('POST', CONSOLE_PATHS.downloads, { json });
  expect(answer.status, answer.body.toString()).toBe(200);
  return answer.json() as Download;
};

/** Begins one, as a link does. */
const download = (browser: Browser, { url }: Download, headers: Record<string, string> = {}): Promise<Answer> =>
  browser.send('GET', url, { headers: { 'securestore-csrf': '', ...headers } });

/** Restores a folder in place, as it was. */
const restore = (browser: Browser, source: string, more: object = {}): Promise<Answer> =>
  browser.send('POST', '/v1/restore', {
    json: { destination: source, snapshot: 1, prefix: 'db/', conflict: 'overwrite', verify: true, ...more },
  });

describe('what the store was', () => {
  // T-WEB-07
  it('is told to whoever may look, as far as they may', async () => {
    const { browser, place, at } = await scene();
    const [ann, vic, dora] = [await browser('ann'), await browser('vic'), await browser('dora')];
    const timeline = await get<Wire<Timeline>>(vic, `/v1/recovery-points/timeline?destination=${at}`);
    expect(timeline).toMatchObject({ destination: place, snapshots: [{ number: 1, objects: 4 }], isContinuous: false });
    expect(await get(vic, '/v1/recovery-points/destinations')).toMatchObject({ destinations: [{ url: place }] });
    expect(namesIn(await get(ann, `/v1/recovery-points/browse?destination=${at}`))).toEqual(['db/', 'web/']);
    expect(namesIn(await get(dora, `/v1/recovery-points/browse?destination=${at}`))).toEqual(['db/']);
    expect(namesIn(await get(dora, `/v1/recovery-points/browse?destination=${at}&prefix=web/`))).toEqual([]);
    expect(namesIn(await get(ann, `/v1/recovery-points/browse?prefix=db/`))).toEqual(['db/a', 'db/deep/', 'db/new']);
    expect(await get(dora, `/v1/recovery-points/find?destination=${at}&contains=D`)).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ key: 'db/deep/c', state: 'there' })]),
    });
    const { differences } = await get<{ differences: { type: string; key: string }[] }>(
      vic,
      `/v1/recovery-points/compare?destination=${at}&fromSnapshot=1`,
    );
    expect(differences.map(({ type, key }) => `${type} ${key}`).toSorted()).toEqual([
      'added db/new',
      'changed db/a',
      'removed db/b',
    ]);
    const { versions } = await get<{ versions: { state: string }[] }>(
      dora,
      `/v1/recovery-points/versions/db/b?destination=${at}`,
    );
    expect(versions.map(({ state }) => state)).toEqual(['deleted', 'there']);
    expect(codeIn(await dora.send('GET', `/v1/recovery-points/versions/web/d?destination=${at}`))).toBe(
      'ACCESS_DENIED',
    );
  });

  it('is read only by whoever may read it and its past, and that is recorded with its name', async () => {
    const here = await scene();
    const { store, browser, at } = here;
    const { generateIdentity, recipientOf } = await import('securestore');
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    const [vic, dora] = [await browser('vic'), await browser('dora')];
    const path = (key: string): string => `/v1/recovery-points/objects/${key}?destination=${at}&snapshot=1`;
    const answer = await dora.send('GET', path('db/a'));
    expect([answer.status, answer.body.toString()]).toEqual([200, 'then db/a']);
    expect(answer.headers['securestore-info']).toContain('"size":9');
    expect((await dora.send('GET', path('db/a'), { headers: { range: 'bytes=0-3' } })).body.toString()).toBe('then');
    expect(codeIn(await vic.send('GET', path('db/a')))).toBe('ACCESS_DENIED');
    expect(codeIn(await dora.send('GET', path('web/d')))).toBe('ACCESS_DENIED');
    expect(codeIn(await dora.send('GET', path('db/none')))).toBe('NOT_FOUND');
    const entries = await store.audit.entries({ entries: 100, object: 'db/a' });
    const told = entries.filter(({ action }) => action === 'recoveryPoints.retrieveStream');
    expect(told.map(({ principal, outcome }) => `${principal} ${outcome}`)).toEqual(
      expect.arrayContaining(
        ['dora ok', 'vic denied'].map((text) => expect.stringContaining(text.split(' ')[0] ?? '')),
      ),
    );
    expect(told.length).toBeGreaterThanOrEqual(3);
  });

  it.each([{ range: 'bytes=0-3' }, { 'if-none-match': '*' }, {}])(
    'is read by one approval, all of it, where reading takes one: %o',
    async (headers) => {
      const { store, browser, at, place } = await scene();
      const dora = await browser('dora');
      await store.access.change(setApprovals([{ actions: ['read'] }]));
      const operation = { call: 'recoveryPoints.retrieveStream', about: { destination: place, snapshot: 1 } };
      const json = { action: 'read', key: 'db/a', operation };
      const { id } = (await dora.send('POST', '/v1/approvals', { json })).json() as { id: string };
      await store.access.approve(id);
      const path = `/v1/recovery-points/objects/db/a?destination=${at}&snapshot=1`;
      const answer = await dora.send('GET', path, { headers });
      expect([answer.status, answer.body.toString()]).toEqual([200, 'then db/a']);
      expect(codeIn(await dora.send('GET', path, { headers }))).toBe('ACCESS_DENIED');
    },
  );

  it('is read in an older version only by an approval of that version', async () => {
    const { store, browser, at, place } = await scene();
    const [, old] = await store.history('db/a');
    await store.backup(place);
    await store.access.change([setApprovals([{ actions: ['read'] }])]);
    const dora = await browser('dora');
    const about = { destination: place, snapshot: 2, version: old?.version };
    const json = { action: 'read', key: 'db/a', operation: { call: 'recoveryPoints.retrieveStream', about } };
    const { id } = (await dora.send('POST', '/v1/approvals', { json })).json() as { id: string };
    await store.access.approve(id);
    const path = `/v1/recovery-points/objects/db/a?destination=${at}&snapshot=2`;
    expect(codeIn(await dora.send('GET', path))).toBe('ACCESS_DENIED');
    const answer = await dora.send('GET', `${path}&version=${about.version}`);
    expect([answer.status, answer.body.toString()]).toEqual([200, 'then db/a']);
  });

  // T-WEB-09
  it('is listed by whoever lists it for all to see in the audit log, by where that was', async () => {
    const { store, browser, at } = await scene();
    const { generateIdentity, recipientOf } = await import('securestore');
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    const dora = await browser('dora');
    const asked = `destination=${at}&prefix=db/`;
    for (const path of [`browse?${asked}`, `find?contains=x&${asked}`, `compare?fromSnapshot=1&${asked}`]) {
      await get(dora, `/v1/recovery-points/${path}`);
    }
    await get(dora, `/v1/recovery-points/browse?destination=${at}`);
    const entries = await store.audit.entries({ entries: 100, object: 'db/' });
    expect(entries.map(({ action, principal }) => `${principal} ${action}`)).toEqual([
      'dora recoveryPoints.browse',
      'dora recoveryPoints.find',
      'dora recoveryPoints.compare',
    ]);
  });

  // T-WEB-09
  it('is told in receipts of restores to whoever may know what they were about', async () => {
    const { browser, place, at } = await scene();
    const [ann, vic, dora] = [await browser('ann'), await browser('vic'), await browser('dora')];
    for (const more of [{ prefix: 'web/' }, { prefix: 'db/' }, { prefix: 'db/', into: 'web/' }, { prefix: '' }]) {
      expect((await restore(ann, place, { conflict: 'rename', ...more })).status).toBe(200);
    }
    type Told = { restores: { receipt: { facts: string } }[]; withheld?: number };
    const told = async (who: Browser): Promise<unknown> => {
      const { restores, ...more } = await get<Told>(who, `/v1/recovery-points/receipts?destination=${at}`);
      const of = restores.map(({ receipt }) => JSON.parse(receipt.facts) as { prefix: string; into?: string });
      return { restores: of.map(({ prefix, into = '' }) => `${prefix} ${into}`), ...more };
    };
    expect(await told(dora)).toEqual({ restores: [' ', 'db/ '], drills: [], withheld: 2 });
    expect(await told(vic)).toEqual({ restores: [' ', 'db/ web/', 'db/ ', 'web/ '], drills: [] });
  });

  it('of places that nobody has registered is not for those who may only look', async () => {
    const { browser } = await scene();
    const vic = await browser('vic');
    for (const path of [
      'timeline?',
      'browse?',
      'find?contains=&',
      'compare?',
      'receipts?',
      'versions/db/a?',
      'objects/db/a?',
    ]) {
      const answer = await vic.send('GET', `/v1/recovery-points/${path}destination=${encodeURIComponent('file:/etc')}`);
      expect(codeIn(answer), path).toBe('ACCESS_DENIED');
    }
    const json = { type: 'object', key: 'db/a', destination: 'file:/etc' };
    expect(codeIn(await vic.send('POST', CONSOLE_PATHS.downloads, { json }))).toBe('ACCESS_DENIED');
  });
});

describe('a download', () => {
  // T-WEB-06
  it('of an object is a file, once, for the session that has asked for it', async () => {
    const { browser, place } = await scene();
    const [dora, ann] = [await browser('dora'), await browser('ann')];
    const asked = await ask(dora, { type: 'object', key: 'db/deep/c', destination: place, snapshot: 1 });
    expect(asked.url).not.toContain('deep');
    expect(asked.name).toBe('c');
    expect(codeIn(await download(ann, asked))).toBe('NOT_FOUND');
    expect(codeIn(await download(dora, asked, { 'sec-fetch-site': 'cross-site' }))).toBe('ACCESS_DENIED');
    const answer = await download(dora, asked);
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-disposition': `attachment; filename="c"; filename*=UTF-8''c`,
        'content-type': 'application/octet-stream',
        'content-security-policy': expect.stringContaining('sandbox'),
        'cache-control': 'no-store',
      },
    });
    expect(answer.body.toString()).toBe('then db/deep/c');
    expect(codeIn(await download(dora, asked))).toBe('NOT_FOUND');
    expect((await download(dora, await ask(dora, { type: 'object', key: 'db/a' }))).body.toString()).toBe('now');
    const gone = await ask(dora, { type: 'object', key: 'db/b', destination: place });
    dora.cookies.clear();
    expect((await download(dora, gone)).status).toBe(401);
  });

  // T-NAMES-02
  it('is called so that nobody takes it for something else by what they do not see', async () => {
    const { browser } = await scene();
    const { name } = await ask(await browser('ann'), { type: 'object', key: 'db/\u202einvoice\u202efdp.exe\u200b' });
    expect(name).toBe('_invoice_fdp.exe_');
  });

  it('of a folder is a tar of what may be read, as it was', async () => {
    const { browser, place } = await scene();
    const asked = { type: 'archive', destination: place, snapshot: 1 };
    const contentOf = async (name: string, more: object): Promise<Record<string, string>> => {
      const session = await browser(name);
      const { objects, leftOut, ...begun } = await ask(session, { ...asked, ...more });
      const { body, headers } = await download(session, begun);
      expect(headers['content-type']).toBe('application/x-tar');
      const entries = await unpackTar(new Uint8Array(body));
      expect(entries.length).toBe((objects ?? 0) + (leftOut === 0 ? 0 : 1));
      return Object.fromEntries(
        entries.map(({ header, data }) => [
          header.name.replace(/-[0-9a-f]{8}[.]txt$/, ''),
          Buffer.from(data ?? []).toString(),
        ]),
      );
    };
    const db = { 'db/a': 'then db/a', 'db/b': 'then db/b', 'db/deep/c': 'then db/deep/c' };
    expect(await contentOf('ann', {})).toEqual({ ...db, 'web/d': 'then web/d' });
    // What may not be listed is not told of either.
    expect(await contentOf('dora', {})).toEqual(db);
    expect(await contentOf('ann', { prefix: 'db/d' })).toEqual({ 'db/deep/c': 'then db/deep/c' });
    expect(await contentOf('dora', { keys: ['db/b', 'web/d'] })).toEqual({
      'db/b': 'then db/b',
      'left-out': 'One object is not in this archive: whoever made it may not read it.\n\nweb/d\n',
    });
    // Who may list all of it, and read a part.
    expect(await contentOf('paul', {})).toEqual({
      'web/d': 'then web/d',
      'left-out': '3 objects are not in this archive: whoever made it may not read them.\n\ndb/a\ndb/b\ndb/deep/c\n',
    });
  });

  it('with nothing in it is refused before it begins, and again where that has come since', async () => {
    const { browser, place, store } = await scene();
    const [vic, ann, paul] = [await browser('vic'), await browser('ann'), await browser('paul')];
    const refusal = async (session: Browser, more: object): Promise<string> => {
      const json = { type: 'archive', destination: place, snapshot: 1, ...more };
      const answer = await session.send('POST', CONSOLE_PATHS.downloads, { json });
      return `${codeIn(answer)}: ${(answer.json() as { detail: string }).detail}`;
    };
    expect(await refusal(vic, {})).toMatch(/^ACCESS_DENIED: .*any of the 4 chosen objects/);
    expect(await refusal(vic, { keys: ['db/a'] })).toMatch(/^ACCESS_DENIED: .*the one chosen object/);
    expect(await refusal(ann, { prefix: 'no/' })).toMatch(/^NOT_FOUND/);
    const object = { type: 'object', key: 'db/a', destination: place };
    expect(codeIn(await vic.send('POST', CONSOLE_PATHS.downloads, { json: object }))).toBe('ACCESS_DENIED');
    // What is named need not have been there.
    const never = await ask(ann, { type: 'archive', destination: place, snapshot: 1, keys: ['never'] });
    expect(codeIn(await download(ann, never))).toBe('NOT_FOUND');
    const asked = await ask(paul, { type: 'archive', destination: place, snapshot: 1 });
    await store.access.change([setRole('of paul', [{ effect: 'allow', actions: ['backup.view', 'list', 'history'] }])]);
    expect(codeIn(await download(paul, asked))).toBe('ACCESS_DENIED');
  });

  it.runIf(LONG)(
    onlyLong('of more than is looked at before says in it what was left out'),
    async () => {
      const { browser, store } = await scene();
      const names = Array.from({ length: 5001 }, (_, at) => `db/many/${at}`);
      await store.storeMany(names.map((key) => ({ key, data: '' })));
      const place = `memory:${randomUUID()}`;
      await store.backup(place);
      const paul = await browser('paul');
      const asked = await ask(paul, { type: 'archive', destination: place });
      expect(asked).not.toHaveProperty('leftOut');
      const entries = await unpackTar(new Uint8Array((await download(paul, asked)).body));
      expect(entries.map(({ header }) => header.name.slice(0, 8))).toEqual(['web/d', 'left-out']);
      const note = Buffer.from(entries[1]?.data ?? []).toString();
      // db/a, db/new and db/deep/c as well.
      expect(note).toMatch(/^5004 objects are not in this archive/);
      expect(note).toMatch(/\nand 4004 more\n$/);
    },
    120_000,
  );

  // T-WEB-10
  it('waits with a few others of the same principal alone, of which the oldest goes', async () => {
    const { browser } = await scene();
    const [ann, again, dora] = [await browser('ann'), await browser('ann'), await browser('dora')];
    const object = { type: 'object', key: 'db/a' };
    const [first, other] = [await ask(ann, object), await ask(dora, object)];
    for (let number = 0; number < 15; number++) await ask(again, object);
    const last = await ask(again, object);
    expect(codeIn(await download(ann, first))).toBe('NOT_FOUND');
    expect((await download(again, last)).body.toString()).toBe('now');
    expect((await download(dora, other)).body.toString()).toBe('now');
  });

  // T-WEB-10
  it('has nothing read of what is asked for by nobody who is signed in', async () => {
    const here = await scene();
    for (const headers of [{}, { cookie: `securestore-${here.port}=${'A'.repeat(43)}` }]) {
      const stranger = browserAt(here);
      stranger.csrf = 'x';
      const answer = await stranger.send('POST', CONSOLE_PATHS.downloads, { json: { no: 'download' }, headers });
      expect(codeIn(answer)).toBe('UNAUTHENTICATED');
    }
  });

  // T-WEB-11
  it('begins no more from a place that was unregistered meanwhile', async () => {
    const { browser, store } = await scene();
    const folder = await mkdtemp(join(tmpdir(), 'unregistered-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const destination = pathToFileURL(folder).href;
    await store.backup(destination);
    const dora = await browser('dora');
    const object = { type: 'object', key: 'db/a', destination };
    expect((await download(dora, await ask(dora, object))).body.toString()).toBe('now');
    const asked = await ask(dora, object);
    await store.backups.unregister(destination);
    expect(codeIn(await download(dora, asked))).toBe('ACCESS_DENIED');
  });

  // T-WEB-11
  it('of a folder names nothing outside of where it is unpacked, on any system', async () => {
    const { browser, store } = await scene();
    const long = `${'l'.repeat(150)}/${'m'.repeat(300)}/${'é'.repeat(200)}`;
    const names = [
      String.raw`up/..\..\x`,
      String.raw`\abs`,
      'C:/x',
      'c:y',
      'urn:a',
      long,
      '%5Cabs',
      'C%3A/x',
      '%255Cabs',
      '5%',
    ];
    await store.storeMany(names.map((key) => ({ key, data: 'x' })));
    const place = `memory:${randomUUID()}`;
    await store.backup(place);
    const ann = await browser('ann');
    const { body } = await download(ann, await ask(ann, { type: 'archive', destination: place, keys: names }));
    const entries = await unpackTar(new Uint8Array(body));
    expect(entries.map(({ header }) => [header.name, header.type])).toEqual(
      ['up/..%5C..%5Cx', '%5Cabs', 'C%3A/x', 'c%3Ay', 'urn:a', long, '%255Cabs', 'C%253A/x', '%25255Cabs', '5%'].map(
        (name) => [name, 'file'],
      ),
    );
  });

  it('is refused where what is asked for is none', async () => {
    const { browser, place } = await scene();
    const ann = await browser('ann');
    for (const json of [
      {},
      { type: 'other', key: 'a' },
      { type: 'object' },
      { type: 'object', key: '' },
      { type: 'object', key: 'a', more: 1 },
      { type: 'archive' },
      { type: 'archive', destination: place, at: 'yesterday' },
      { type: 'archive', destination: place, keys: 'a' },
    ]) {
      expect(codeIn(await ann.send('POST', CONSOLE_PATHS.downloads, { json })), JSON.stringify(json)).toBe(
        'INVALID_ARGUMENT',
      );
    }
    for (const key of ['/', 'a//b', '..', '\ud800', 'a/\udc00b']) {
      const json = { type: 'object', key, destination: place };
      expect(codeIn(await ann.send('POST', CONSOLE_PATHS.downloads, { json })), key).toBe('INVALID_KEY');
    }
  });
});

describe('a restore', () => {
  it('says before what it will do, and after what it has done, checked and signed', async () => {
    const { browser, store, place, at } = await scene();
    const ann = await browser('ann');
    const plan = (await restore(ann, place, { dryRun: true })).json() as Record<string, unknown>;
    expect(plan).toMatchObject({
      dryRun: true,
      compared: 3,
      created: 1,
      replaced: 1,
      unchanged: 1,
      bytes: 18,
      conflicts: ['db/a'],
    });
    expect(plan).not.toHaveProperty('receipt');
    expect((await store.retrieve('db/a')).text()).toBe('now');
    const done = (await restore(ann, place)).json() as {
      receipt: Parameters<typeof readRestoreReceipt>[0];
      digest: string;
    };
    expect(done).toMatchObject({
      created: 1,
      replaced: 1,
      unchanged: 1,
      verified: 2,
      failed: [],
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const facts: RestoreFacts = readRestoreReceipt(done.receipt, store.fingerprint);
    expect(facts).toMatchObject({
      by: 'ann',
      source: place,
      snapshot: 1,
      prefix: 'db/',
      created: 1,
      verified: 2,
      ok: true,
      digest: done.digest,
    });
    const forged = { ...done.receipt, facts: done.receipt.facts.replace('"ann"', '"eve"') };
    expect(() => readRestoreReceipt(forged, store.fingerprint)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    expect((await store.retrieve('db/a')).text()).toBe('then db/a');
    expect(await get(ann, `/v1/recovery-points/receipts?destination=${at}`)).toMatchObject({
      restores: [{ receipt: done.receipt }],
      drills: [],
    });
    // Now that one was measured, the next can be estimated.
    const next = (await restore(ann, place, { dryRun: true })).json();
    expect(next).toMatchObject({ created: 0, unchanged: 3 });
  });

  it('can be looked for after its page was loaded anew, by whoever has started it alone', async () => {
    const { browser, place } = await scene();
    const [ann, vic] = [await browser('ann'), await browser('vic')];
    const events = await ann.send('POST', '/v1/restore', {
      json: { destination: place, snapshot: 1, keys: ['db/b'] },
      headers: { accept: 'text/event-stream' },
    });
    const [, id = ''] = /"record":"([^"]+)"/.exec(events.body.toString()) ?? [];
    const { work } = await get<{ work: WorkRecord[] }>(ann, '/v1/work');
    expect(work).toMatchObject([
      {
        id,
        job: 'restore',
        route: 'POST /v1/restore',
        state: 'done',
        asked: { destination: place, keys: ['db/b'] },
        report: { created: 1 },
      },
    ]);
    expect(await get(ann, `/v1/work/${id}`)).toEqual(work[0]);
    const again = await ann.send('GET', `/v1/work/${id}/events`);
    expect(again.body.toString()).toMatch(/event: job[\s\S]*event: report\ndata: .*"created":1/);
    expect(await get(vic, '/v1/work')).toEqual({ work: [] });
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/events'],
      ['DELETE', ''],
    ] as const) {
      expect(codeIn(await vic.send(method, `/v1/work/${id}${path}`))).toBe('NOT_FOUND');
    }
    expect((await ann.send('DELETE', `/v1/work/${id}`)).status).toBe(200);
    expect(await get(ann, '/v1/work')).toEqual({ work: [] });
  });

  it('is told no longer to who may do it no longer, and never where it was refused', async () => {
    const here = await scene();
    const { browser, store, place } = here;
    await here.somebody('root', EVERYTHING);
    const ann = await browser('ann');
    await restore(ann, place);
    await store.access.change(setRole('of ann', [{ effect: 'allow', actions: ['health'] }]));
    const { work } = await get<{ work: WorkRecord[] }>(ann, '/v1/work');
    expect(work).toMatchObject([{ state: 'done' }]);
    expect(work[0]).not.toHaveProperty('report');
    expect(work[0]).not.toHaveProperty('asked');
    expect(codeIn(await restore(ann, place))).toBe('ACCESS_DENIED');
    expect((await get<{ work: WorkRecord[] }>(ann, '/v1/work')).work).toHaveLength(1);
  });

  it('of a viewer is refused, whatever they send', async () => {
    const { browser, store, place } = await scene();
    const vic = await browser('vic');
    const before = await store.list();
    for (const more of [{}, { dryRun: true }, { into: 'copy/', conflict: 'fail' }, { conflict: 'skip' }]) {
      expect(codeIn(await restore(vic, place, more)), JSON.stringify(more)).toBe('ACCESS_DENIED');
    }
    const json = { destination: place, to: 'memory:new' };
    expect(codeIn(await vic.send('POST', '/v1/restore/store', { json }))).toBe('ACCESS_DENIED');
    expect(await store.list()).toEqual(before);
  });

  it('in place waits for a second person where the policy says so, and is then started again', async () => {
    const here = await scene();
    const { browser, store, place } = here;
    const bob = browserAt(here);
    await bob.signIn(await here.somebody('bob', [{ effect: 'allow', actions: ['approve', 'restore'] }]));
    await store.access.change(setApprovals([{ actions: ['restore.replace'] }]));
    const ann = await browser('ann');
    expect((await restore(ann, place, { dryRun: true })).status).toBe(200);
    expect(codeIn(await restore(ann, place))).toBe('ACCESS_DENIED');
    const operation = {
      call: 'restore',
      about: { destination: place, snapshot: 1, prefix: 'db/', conflict: 'overwrite' },
    };
    const json = { action: 'restore.replace', reason: 'db/ as of noon', operation };
    // Somewhere else the server does not look for whoever may not register a place.
    const elsewhere = { ...operation, about: { ...operation.about, destination: 'file:/etc' } };
    const vic = await browser('vic');
    const prying = await vic.send('POST', '/v1/approvals', { json: { ...json, operation: elsewhere } });
    expect(prying.body.toString()).toMatch(
      /store URL that is not a registered destination takes the action backup\.manage/,
    );
    const asked = (await ann.send('POST', '/v1/approvals', { json })).json() as { id: string };
    expect(await get(bob, '/v1/approvals')).toMatchObject({
      requests: [
        {
          principal: 'ann',
          action: 'restore.replace',
          reason: 'db/ as of noon',
          plan: { call: 'restore', creates: 1, replaces: 1, deletes: 0, unnamed: 2 },
        },
      ],
    });
    expect(codeIn(await ann.send('POST', `/v1/approvals/${asked.id}/approve`, { json: {} }))).toBe('ACCESS_DENIED');
    expect(codeIn(await restore(ann, place))).toBe('ACCESS_DENIED');
    const approved = await bob.send('POST', `/v1/approvals/${asked.id}/approve`, { json: {} });
    expect(approved.status, approved.body.toString()).toBe(200);
    expect(await get(ann, '/v1/approvals')).toMatchObject({ requests: [{ state: 'approved', by: 'bob' }] });
    expect((await restore(ann, place)).json()).toMatchObject({ created: 1, replaced: 1 });
    // It was for once; what changes nothing asks nobody.
    expect((await restore(ann, place)).json()).toMatchObject({ created: 0, replaced: 0 });
    await store.store('db/a', 'changed since');
    expect(codeIn(await restore(ann, place))).toBe('ACCESS_DENIED');
  });

  it('to a new store makes one that the same secret opens', async () => {
    const { browser, store, place } = await scene();
    const ann = await browser('ann');
    const json = { destination: place, to: 'memory:restored-anew' };
    const answer = await ann.send('POST', '/v1/restore/store', { json });
    const report = answer.json() as { receipt: Parameters<typeof readRestoreReceipt>[0] };
    expect(report, answer.body.toString()).toMatchObject({ objects: 4, failed: [] });
    expect(readRestoreReceipt(report.receipt, store.fingerprint)).toMatchObject({
      to: 'memory:restored-anew',
      by: 'ann',
      created: 4,
    });
    const { openStore, rawKey } = await import('securestore');
    await using again = await openStore('memory:restored-anew', { unlock: rawKey(Buffer.alloc(32, 9)) });
    expect((await again.retrieve('db/b')).text()).toBe('then db/b');
    expect(codeIn(await ann.send('POST', '/v1/restore/store', { json }))).toBe('ALREADY_EXISTS');
  });
});

describe('the audit log', () => {
  it('is paged through from the newest to the oldest, each entry once', async () => {
    const { browser, store } = await scene();
    const ann = await browser('ann');
    const { generateIdentity, recipientOf } = await import('securestore');
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    for (let number = 0; number < 23; number++) await store.store(`noted/${number}`, 'x');
    type Page = {
      readonly entries: readonly { readonly time: number; readonly sequence: number }[];
      readonly before?: string;
    };
    const pages: Page[] = [];
    let before: string | undefined;
    do {
      const page: Page = await get(
        ann,
        `/v1/audit/entries?entries=5${before === undefined ? '' : `&before=${before}`}`,
      );
      pages.push(page);
      ({ before } = page);
    } while (before !== undefined && pages.length < 50);
    const sequences = pages.flatMap(({ entries }) => entries.map(({ sequence }) => sequence).toReversed());
    expect(new Set(sequences).size).toBe(sequences.length);
    expect(sequences).toEqual(sequences.toSorted((a, b) => b - a));
    expect(sequences.length).toBeGreaterThanOrEqual(23);
    for (const wrong of ['x', '1-1', '1-1-zz', '-1-1-00000000000000000000000000']) {
      expect(codeIn(await ann.send('GET', `/v1/audit/entries?before=${wrong}`)), wrong).toBe('INVALID_ARGUMENT');
    }
    expect((await ann.send('POST', '/v1/audit/examine')).json()).toMatchObject({
      ok: true,
      findings: [],
      complete: true,
    });
    const vic = await browser('vic');
    expect(codeIn(await vic.send('POST', '/v1/audit/examine'))).toBe('ACCESS_DENIED');
  });
});
