import { setApprovals } from 'securestore';
import { Value } from 'typebox/value';
import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { bodyFor, operationsOf, pathFor } from './support/interface.ts';
import type { Answer, World } from './support/world.ts';
import { codeIn, EVERYTHING, world } from './support/world.ts';

const OCTETS = { 'content-type': 'application/octet-stream' };

async function scene(): Promise<World & { readonly token: string; readonly version: string }> {
  const here = await world();
  const token = await here.somebody('ann', EVERYTHING);
  const { version } = await here.store.store('k', '0123456789', { metadata: { owner: 'ölförderung 🔑' } });
  return { ...here, token, version };
}

describe('an object', () => {
  it('comes with what is known of it', async () => {
    const { send, token, store, version } = await scene();
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await send(method, '/v1/objects/k', { token });
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        etag: `"${version}"`,
        'content-length': '10',
        'content-type': 'application/octet-stream',
        'accept-ranges': 'bytes',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      expect(JSON.parse(String(headers['securestore-metadata']))).toEqual({ owner: 'ölförderung 🔑' });
      const { metadata: _, ...info } = await store.info('k');
      expect(JSON.parse(String(headers['securestore-info']))).toEqual(JSON.parse(JSON.stringify(info)));
      expect(body.toString()).toBe(method === 'GET' ? '0123456789' : '');
    }
  });

  it('takes metadata and an expiry as headers', async () => {
    const { send, token, store } = await scene();
    const headers = {
      ...OCTETS,
      'securestore-metadata': '{"a":"\\u00e9"}',
      'securestore-expires': '2100-01-01T00:00:00Z',
    };
    expect((await send('PUT', '/v1/objects/new', { token, headers, body: 'x' })).status).toBe(200);
    expect(await store.info('new')).toMatchObject({ metadata: { a: 'é' }, expires: new Date('2100-01-01') });
  });

  it.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-100', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=8-100', 206, '89', 'bytes 8-9/10'],
    ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
    ['bytes=10-', 416, undefined, 'bytes */10'],
    ['bytes=-0', 416, undefined, 'bytes */10'],
    ['bytes=3-2', 200, '0123456789', undefined],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
    ['bytes=a-b', 200, '0123456789', undefined],
  ])('has the range %s', async (range, status, text, content) => {
    const { send, token } = await scene();
    const answer = await send('GET', '/v1/objects/k', { token, headers: { range } });
    expect([answer.status, answer.headers['content-range']]).toEqual([status, content]);
    if (text !== undefined)
      expect([answer.body.toString(), answer.headers['content-length']]).toEqual([text, String(text.length)]);
    else expect(codeIn(answer)).toBe('INVALID_ARGUMENT');
  });

  it('that is empty has no range', async () => {
    const { send, token, store } = await scene();
    await store.store('empty', '');
    expect((await send('GET', '/v1/objects/empty', { token })).body.toString()).toBe('');
    expect((await send('GET', '/v1/objects/empty', { token, headers: { range: 'bytes=0-' } })).status).toBe(416);
  });

  it('is read under conditions', async () => {
    const { send, token, version } = await scene();
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await send('GET', '/v1/objects/k', { token, headers })).status;
    expect(await status({ 'if-none-match': `"${version}"` })).toBe(304);
    expect(await status({ 'if-none-match': `"other", W/"${version}"` })).toBe(304);
    expect(await status({ 'if-none-match': '*' })).toBe(304);
    expect(await status({ 'if-none-match': '"other"' })).toBe(200);
    expect(await status({ 'if-match': `"${version}"` })).toBe(200);
    expect(await status({ 'if-match': '"other"' })).toBe(412);
    expect(await status({ range: 'bytes=0-1', 'if-range': `"${version}"` })).toBe(206);
    expect(await status({ range: 'bytes=0-1', 'if-range': '"other"' })).toBe(200);
  });

  it('is changed under conditions', async () => {
    const { send, token, version } = await scene();
    const put = (headers: Record<string, string>) =>
      send('PUT', '/v1/objects/k', { token, headers: { ...OCTETS, ...headers }, body: 'x' });
    const conflict = await put({ 'if-none-match': '*' });
    expect(conflict.headers['content-type']).toMatch(/^application\/problem\+json\b/);
    expect([conflict.status, conflict.json()]).toMatchObject([
      412,
      { status: 412, code: 'CONFLICT', currentVersion: version },
    ]);
    expect((await put({ 'if-match': '"00000000000-00000000"' })).status).toBe(412);
    for (const wrong of ['*', version, `W/"${version}"`, `"${version}", "x"`, '']) {
      expect(codeIn(await put({ 'if-match': wrong })), wrong).toBe('INVALID_ARGUMENT');
    }
    expect(codeIn(await put({ 'if-none-match': `"${version}"` }))).toBe('INVALID_ARGUMENT');
    const stored = await put({ 'if-match': `"${version}"` });
    expect(stored.status).toBe(200);
    const now = (stored.json() as { version: string }).version;
    expect(stored.headers['etag']).toBe(`"${now}"`);
    expect((await send('DELETE', '/v1/objects/k', { token, headers: { 'if-match': `"${version}"` } })).status).toBe(
      412,
    );
    expect((await send('DELETE', '/v1/objects/k', { token, headers: { 'if-match': `"${now}"` } })).json()).toEqual({
      existed: true,
    });
  });

  it('with metadata too long for a header comes without them there', async () => {
    const { send, token, store } = await scene();
    const metadata = { a: 'x'.repeat(60_000) };
    await store.store('k', 'data', { metadata });
    const { headers, body } = await send('GET', '/v1/objects/k', { token });
    expect([headers['securestore-metadata'], body.toString()]).toEqual([undefined, 'data']);
    expect((await send('GET', '/v1/info/k', { token })).json()).toMatchObject({ metadata });
  });
});

describe('of an object that takes an approval to read', () => {
  const cases: readonly [string, Parameters<World['send']>[0], Record<string, string>, number, string][] = [
    ['a range', 'GET', { range: 'bytes=1-2' }, 206, '12'],
    ['the last bytes', 'GET', { range: 'bytes=-2' }, 206, '89'],
    [
      'a range of another version',
      'GET',
      { range: 'bytes=1-2', 'if-range': '"00000000000-00000000"' },
      200,
      '0123456789',
    ],
    ['all of it', 'GET', {}, 200, '0123456789'],
  ];

  it.each(cases)('%s are read by one approval', async (_, method, headers, status, text) => {
    const { send, store, somebody } = await scene();
    const reader = await somebody('ben', [{ effect: 'allow', actions: ['read'] }]);
    await store.access.change(setApprovals([{ actions: ['read'] }]));
    const ask = (): Promise<Answer> => send(method, '/v1/objects/k', { token: reader, headers });
    expect((await ask()).status).toBe(403);
    const session = await store.session({ token: reader });
    await store.access.approve((await session.approvals.request('read', 'k')).id);
    // Looking at it, also more than once, uses nothing up, nor does what has not changed.
    const looked = await send('HEAD', '/v1/objects/k', { token: reader });
    expect([looked.status, looked.headers['content-length']]).toEqual([200, '10']);
    const etag = String(looked.headers['etag']);
    const known = await send('GET', '/v1/objects/k', { token: reader, headers: { 'if-none-match': etag } });
    expect(known.status).toBe(304);
    const answer = await ask();
    expect([answer.status, answer.body.toString()]).toEqual([status, text]);
    expect((await ask()).status).toBe(403);
    expect((await send('HEAD', '/v1/objects/k', { token: reader })).status).toBe(403);
  });
});

describe('pages', () => {
  it('follow each other, and are the whole listing together', async () => {
    const { send, token, store } = await scene();
    await store.delete('k');
    const keys = Array.from({ length: 25 }, (_, n) => `p/${n}`);
    await store.storeMany(keys.map((key) => ({ key, data: key })));
    for (const kind of ['keys', 'entries'] as const) {
      const seen: string[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const more = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
        const page = (await send('GET', `/v1/${kind}?prefix=p/&limit=10${more}`, { token })).json() as {
          keys?: string[];
          entries?: { key: string }[];
          after?: string;
        };
        seen.push(...(page.keys ?? page.entries?.map(({ key }) => key) ?? []));
        after = page.after;
        pages += 1;
      } while (after !== undefined);
      expect([pages, seen.toSorted()]).toEqual([3, keys.toSorted()]);
    }
  });
});

describe('the description of the interface', () => {
  it('is what the answers are like', async () => {
    const clock = new EagerClock();
    const here = await world({ clock }, { clock });
    const { store, send } = here;
    const token = await here.somebody('ann', EVERYTHING);
    const operations = await operationsOf(here, token);
    const checked: string[] = [];
    for (const operation of operations) {
      if (operation.answer === undefined) continue;
      const first = await store.store('there', 'data', { metadata: { a: 1 } });
      if (operation.path.includes('undelete')) await store.delete('there');
      const given = operation.path.includes('restore-version')
        ? { type: 'application/json', body: JSON.stringify({ version: first.version }) }
        : bodyFor(operation);
      const headers = given === undefined ? {} : { 'content-type': given.type };
      const answer = await send(operation.method, pathFor(operation, 'there'), { token, headers, body: given?.body });
      const name = `${operation.method} ${operation.path}`;
      expect(answer.status, `${name} ${answer.body.toString()}`).toBeLessThan(500);
      // Of the administration not everything can be done with what is made up.
      const isAboutObjects = ['key', 'prefix'].some((one) =>
        operation.parameters.some(
          ({ name: called, in: where }) => called === one && (where === 'path' || one === 'prefix'),
        ),
      );
      if (!isAboutObjects && answer.status !== 200) continue;
      expect(answer.status, `${name} ${answer.body.toString()}`).toBe(200);
      expect([...Value.Errors(operation.answer as TSchema, answer.json())], name).toEqual([]);
      checked.push(name);
    }
    expect(checked.length).toBeGreaterThan(40);
  });
});

describe('readiness', () => {
  it('is for those who may ask how the store is', async () => {
    const { send, token, somebody } = await scene();
    expect((await send('GET', '/readyz', { token })).json()).toEqual({ status: 'ok' });
    const reader = await somebody('ben', [{ effect: 'allow', actions: ['read'] }]);
    expect(codeIn(await send('GET', '/readyz', { token: reader }))).toBe('ACCESS_DENIED');
    expect((await send('GET', '/healthz')).json()).toEqual({ status: 'ok' });
  });
});
