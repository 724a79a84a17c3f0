import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Layer } from '@securestore/backend-api';
import { composeLayers, intercept } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import type { WorkRecord } from '@securestore/protocol';
import type { OpenOptions, Rule } from 'securestore';
import { setRole } from 'securestore';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Answer, World } from '../support/world.ts';
import { codeIn, EVERYTHING, world } from '../support/world.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 3_600_000;
/** So many objects are restored while somebody looks. */
const RESTORED = sized({ short: 100, full: 300, torture: 300 });
const STOPPED = sized({ short: 300, full: 1000, torture: 1000 });

/** A backend in memory answers without letting others have a turn; one elsewhere takes its time. */
const withTurns = intercept(() => async (call, run) => {
  await new Promise(setImmediate);
  return run(call.signal);
});

async function scene(
  layer?: Layer,
  more: Partial<OpenOptions> = {},
): Promise<World & { readonly clock: EagerClock; readonly token: string }> {
  const clock = new EagerClock();
  const memory = new MemoryBackend({ clock: () => clock.now() });
  const backend = layer === undefined ? memory : composeLayers(memory, [layer]);
  const here = await world({ clock, console: false }, { clock, backend, ...more });
  return { ...here, clock, token: await here.somebody('ann', EVERYTHING) };
}

type Scene = Awaited<ReturnType<typeof scene>>;

const post = ({ send, token }: Scene, path: string, body: object, accept = 'application/json') =>
  send('POST', path, { token, headers: { 'content-type': 'application/json', accept }, body: JSON.stringify(body) });

async function workOf({ send, token }: Scene): Promise<WorkRecord[]> {
  return ((await send('GET', '/v1/work', { token })).json() as { work: WorkRecord[] }).work;
}

/** A store that is backed up to a place which answers when it is told to. */
async function slowPlace(): Promise<{
  readonly here: Scene;
  readonly verify: (within: number) => Promise<Answer>;
  readonly release: () => void;
}> {
  const destination = `memory:${randomUUID()}`;
  const shelf = new MemoryBackend();
  const read = shelf.read.bind(shelf);
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  shelf.read = async (key, options) => {
    if (isHeld && key.startsWith('d/')) await held.promise;
    return read(key, options);
  };
  const here = await scene(withTurns, { destinations: { [destination]: { backend: shelf } } });
  await here.store.storeMany(Array.from({ length: 200 }, (_, at) => ({ key: `k${at}`, data: 'x'.repeat(2000) })));
  await here.store.backups.register(destination);
  await here.store.backup(destination);
  isHeld = true;
  const verify = (within: number): Promise<Answer> =>
    post(here, '/v1/backups/verify', { destination, within }, 'text/event-stream');
  return { here, verify, release: () => held.resolve() };
}

describe('long work', () => {
  it('is remembered for a day, the last fifty of somebody, the newest first', async () => {
    const here = await scene();
    for (let number = 0; number < 55; number++) {
      here.clock.advance(1000);
      expect((await post(here, '/v1/checkpoint', {})).status).toBe(200);
    }
    const work = await workOf(here);
    expect(work).toHaveLength(50);
    expect(work.map(({ started }) => started)).toEqual(
      work
        .map(({ started }) => started)
        .toSorted()
        .toReversed(),
    );
    expect(work[0]).toMatchObject({ job: 'checkpoint', state: 'done', route: 'POST /v1/checkpoint', asked: {} });
    here.clock.advance(25 * HOUR);
    expect(await workOf(here)).toEqual([]);
  });

  it('is remembered as far as there is room, that of others longer than more of the same caller', async () => {
    const here = await scene();
    const other = { ...here, token: await here.somebody('bob', EVERYTHING) };
    expect((await post(other, '/v1/checkpoint', {})).status).toBe(200);
    // As much as a request may ask for.
    const keys = Array.from({ length: 900 }, (_, at) => `${at}/${'x'.repeat(1000)}`);
    await here.store.store('a', 'b');
    const place = `memory:${randomUUID()}`;
    await here.store.backup(place);
    for (let round = 0; round < 12; round++) {
      here.clock.advance(1000);
      expect(codeIn(await post(here, '/v1/restore', { destination: place, keys }))).toBe('NOT_FOUND');
    }
    const kept = await workOf(here);
    const bytes = Buffer.byteLength(JSON.stringify(kept));
    expect(bytes).toBeLessThan(10 * 1024 * 1024);
    expect(kept.length).toBeGreaterThan(3);
    expect(kept.length).toBeLessThan(12);
    expect(kept.map(({ started }) => started)).toEqual(
      kept
        .map(({ started }) => started)
        .toSorted()
        .toReversed(),
    );
    expect(await workOf(other)).toHaveLength(1);
  });

  it('that failed is remembered with its error, and that was refused is not', async () => {
    const here = await scene();
    const place = `memory:${randomUUID()}`;
    const answer = await post(here, '/v1/restore', { destination: place });
    expect(codeIn(answer)).toBe('NOT_FOUND');
    expect(await workOf(here)).toMatchObject([
      { state: 'failed', error: { code: 'NOT_FOUND' }, asked: { destination: place } },
    ]);
    const denied = await here.somebody('eve', [{ effect: 'allow', actions: ['health'] }]);
    const refused = await post({ ...here, token: denied }, '/v1/restore', { destination: place });
    expect(codeIn(refused)).toBe('ACCESS_DENIED');
    expect(await workOf({ ...here, token: denied })).toEqual([]);
  });

  it('tells what a scrub found that was resumed to those alone who may verify', async () => {
    const here = await scene();
    const token = await here.somebody('dan', [{ effect: 'allow', actions: ['jobs', 'verify'] }]);
    await here.store.storeMany(Array.from({ length: 20 }, (_, at) => ({ key: `k${at}`, data: 'x' })));
    const scrub = here.store.scrub();
    for await (const _ of scrub.progress) scrub.cancel();
    await expect(Promise.resolve(scrub)).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await here.send('POST', '/v1/jobs/scrub/resume', { token })).status).toBe(200);
    expect((await workOf({ ...here, token }))[0]).toHaveProperty('report');
    await here.store.access.change(setRole('of dan', [{ effect: 'allow', actions: ['jobs'] }]));
    here.clock.advance(6000);
    const [record] = await workOf({ ...here, token });
    expect(record).toMatchObject({ job: 'scrub', state: 'done' });
    expect(record).not.toHaveProperty('report');
  });

  it('has no secret in what was asked', async () => {
    const here = await scene();
    const [oldUnlockSecret, newUnlockSecret] = [9, 8].map((byte) => ({
      key: Buffer.alloc(32, byte).toString('base64url'),
    }));
    expect((await post(here, '/v1/rotate', { oldUnlockSecret, newUnlockSecret, depth: 'unlock' })).status).toBe(200);
    const [record] = await workOf(here);
    expect(record).toMatchObject({ job: 'rotation', state: 'done' });
    expect(record).not.toHaveProperty('asked');
  });

  it('goes on when its connection is lost, and is told of to the end on another one', async () => {
    const here = await scene();
    const { store, port, token, send } = here;
    await store.storeMany(
      Array.from({ length: RESTORED }, (_, at) => ({ key: `k${at}`, data: Buffer.alloc(20_000, at) })),
    );
    const place = `memory:${randomUUID()}`;
    await store.backup(place);
    for (const key of await store.list()) await store.delete(key);
    const body = JSON.stringify({ destination: place, prefix: 'k', verify: true });
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      accept: 'text/event-stream',
    };
    const asked = request({ host: '127.0.0.1', port, method: 'POST', path: '/v1/restore', headers, agent: false });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const [first] = (await once(answer, 'data')) as [Buffer];
    answer.destroy();
    const [, record = ''] = /"record":"([^"]+)"/.exec(first.toString()) ?? [];
    const events = await send('GET', `/v1/work/${record}/events`, { token });
    expect(events.body.toString()).toMatch(/^event: job\n/);
    expect(events.body.toString()).toMatch(new RegExp(`event: report\ndata: .*"created":${RESTORED}\\b`));
    const told = (await send('GET', `/v1/work/${record}`, { token })).json() as WorkRecord;
    expect(told).toMatchObject({ state: 'done', report: { created: RESTORED, verified: RESTORED } });
    expect(await store.list()).toHaveLength(RESTORED);
  });

  it('that is under way is not forgotten, and stopped work is gone on with by asking again', async () => {
    const here = await scene(withTurns);
    const { store, send, token } = here;
    await store.storeMany(Array.from({ length: STOPPED }, (_, at) => ({ key: `k${at}`, data: 'x' })));
    const place = `memory:${randomUUID()}`;
    await store.backup(place);
    for (const key of await store.list()) await store.delete(key);
    const asked = { destination: place, prefix: 'k' };
    const running = post(here, '/v1/restore', asked);
    let record: WorkRecord | undefined;
    while (record?.progress === undefined) [record] = await workOf(here);
    expect(record).toMatchObject({ state: 'running', job: 'restore' });
    expect(codeIn(await send('DELETE', `/v1/work/${record.id}`, { token }))).toBe('CONFLICT');
    expect((await send('POST', '/v1/jobs/restore/cancel', { token })).status).toBe(200);
    expect(codeIn(await running)).toBe('ABORTED');
    expect(await workOf(here)).toMatchObject([{ state: 'failed', error: { code: 'ABORTED' }, asked }]);
    const done = (await post(here, '/v1/restore', record.asked as object)).json() as Record<string, number>;
    expect((done['created'] ?? 0) + (done['unchanged'] ?? 0)).toBe(STOPPED);
    expect(await store.list()).toHaveLength(STOPPED);
  });

  it.each(['/v1/verify', '/v1/backups/verify'])(
    'that only looks goes on where nobody listens: %s is told later, is followed by asking again, and can be stopped',
    async (path) => {
      const place = `memory:${randomUUID()}`;
      const shelf = new MemoryBackend();
      const read = shelf.read.bind(shelf);
      let held = Promise.withResolvers<void>();
      shelf.read = async (key, options) => {
        if (key.startsWith('d/')) await held.promise;
        return read(key, options);
      };
      held.resolve();
      // It tells something only when it has looked at some, and must not end before it is held.
      let free = 0;
      const hold = (): void => {
        held = Promise.withResolvers();
        free = 100;
      };
      const holding = intercept(() => async (call, run) => {
        await new Promise(setImmediate);
        if (call.operation === 'read' && call.key?.startsWith('o/') === true && (free -= 1) < 0) await held.promise;
        return run(call.signal);
      });
      const here = await scene(holding, { destinations: { [place]: { backend: shelf } } });
      const { store, port, token, send } = here;
      await store.storeMany(Array.from({ length: 200 }, (_, at) => ({ key: `k${at}`, data: Buffer.alloc(2000, at) })));
      await store.backups.register(place);
      await store.backup(place);
      const body = path === '/v1/verify' ? { payloads: true } : { destination: place, depth: 'opens' };
      const begin = async (): Promise<string> => {
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'text/event-stream',
        };
        const asked = request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent: false });
        asked.end(JSON.stringify(body));
        const [answer] = (await once(asked, 'response')) as [IncomingMessage];
        const [first] = (await once(answer, 'data')) as [Buffer];
        answer.destroy();
        return /"record":"([^"]+)"/.exec(first.toString())?.[1] ?? '';
      };
      hold();
      const record = await begin();
      expect(await begin()).toBe(record);
      held.resolve();
      const events = (await send('GET', `/v1/work/${record}/events`, { token })).body.toString();
      expect(events).toMatch(/event: report\ndata: /);
      const told = (await send('GET', `/v1/work/${record}`, { token })).json() as WorkRecord;
      expect(told).toMatchObject({ state: 'done', asked: body, route: `POST ${path}` });
      hold();
      const another = await begin();
      expect(another).not.toBe(record);
      const [running] = await workOf(here);
      expect((await send('POST', `/v1/jobs/${running?.job}/cancel`, { token })).status).toBe(200);
      held.resolve();
      expect((await send('GET', `/v1/work/${another}/events`, { token })).body.toString()).toContain('ABORTED');
    },
  );

  it('names in its report what its reader may list now, and not what they might when it was done', async () => {
    const clock = new EagerClock();
    const backend = new MemoryBackend({ clock: () => clock.now() });
    const here = await world({ clock, console: false }, { clock, backend });
    const { store, send } = here;
    const rules: Rule[] = [{ effect: 'allow', actions: ['backup', 'backup.manage', 'verify'] }];
    const listing: Rule = { effect: 'allow', actions: ['list'], keys: ['**'] };
    const token = await here.somebody('ann', [...rules, listing]);
    await store.store('fine', 'fine');
    await store.store('secret name', Buffer.alloc(300_000, 1));
    const [part] = (await backend.list('b/', {})).entries;
    const body = Buffer.from((await backend.read(part?.key ?? ''))?.body ?? []);
    body.writeUInt8(body.readUInt8(1000) ^ 1, 1000);
    await backend.write(part?.key ?? '', body);
    const destination = `memory:${randomUUID()}`;
    await store.backup(destination);
    const ann = { ...here, clock, token };
    for (const [path, more] of [
      ['/v1/backups/drill', {}],
      ['/v1/backups/verify', { depth: 'opens' }],
    ] as const) {
      expect((await post(ann, path, { destination, ...more })).body.toString()).toContain('secret name');
    }
    const told = async (): Promise<string> => JSON.stringify(await workOf(ann));
    expect((await told()).match(/secret name/g)).toHaveLength(2);
    await store.access.change(setRole('of ann', rules));
    const records = await workOf(ann);
    expect(records.map(({ state, report }) => [state, report !== undefined])).toEqual([
      ['done', true],
      ['done', true],
    ]);
    expect(await told()).not.toContain('secret name');
    for (const { id } of records) {
      expect((await send('GET', `/v1/work/${id}`, { token })).body.toString()).not.toContain('secret name');
      const events = (await send('GET', `/v1/work/${id}/events`, { token })).body.toString();
      expect(events).toContain('event: report');
      expect(events).not.toContain('secret name');
    }
  });

  it('that failed says no more than its code to whoever may not do it, or may not list the object, any more', async () => {
    const here = await scene();
    const { store, send } = here;
    const restores: Rule = { effect: 'allow', actions: ['restore', 'restore.replace', 'backup.manage'] };
    const lists: Rule = { effect: 'allow', actions: ['list'], keys: ['**'] };
    const ann = { ...here, token: await here.somebody('eva', [restores, lists]) };
    await store.store('secret name', 'old');
    const source = `memory:${randomUUID()}`;
    await store.backup(source);
    await store.store('secret name', 'new');
    expect(codeIn(await post(ann, '/v1/restore', { destination: source }))).toBe('CONFLICT');
    const [record] = await workOf(ann);
    expect(record?.error).toMatchObject({ code: 'CONFLICT', key: 'secret name' });
    const told = async (): Promise<string> => {
      const events = await send('GET', `/v1/work/${record?.id}/events`, { token: ann.token });
      return `${JSON.stringify(await workOf(ann))}${events.body.toString()}`;
    };
    expect(await told()).toMatch(/"key":"secret name".*"key":"secret name"/s);
    for (const rules of [[restores], [lists]]) {
      await store.access.change(setRole('of eva', rules));
      expect(await told()).toMatch(/"code":"CONFLICT".*"code":"CONFLICT"/s);
      expect(await told()).not.toMatch(/secret name|"advice"|"key"/);
    }
  });

  describe('that only looks', () => {
    it('is followed by nobody who may not do it', async () => {
      const { here, verify, release } = await slowPlace();
      await here.somebody('bob', EVERYTHING);
      const first = verify(HOUR);
      while ((await workOf(here))[0]?.progress === undefined);
      await here.store.access.change(setRole('of ann', [{ effect: 'allow', actions: ['health'] }]));
      const second = verify(HOUR);
      release();
      expect(codeIn(await second)).toBe('ACCESS_DENIED');
      await first;
    });

    it('is under way so many times at once, and no more, for one caller', async () => {
      const { here, verify, release } = await slowPlace();
      const looks = Array.from({ length: 20 }, (_, at) => verify(HOUR + at));
      while ((await workOf(here)).filter(({ progress }) => progress !== undefined).length < 16);
      release();
      const codes = (await Promise.all(looks)).map((answer) => codeIn(answer));
      expect(codes.filter((code) => code === 'THROTTLED')).toHaveLength(4);
      expect(codes.filter((code) => code === undefined)).toHaveLength(16);
      expect(codeIn(await verify(HOUR))).toBeUndefined();
    });
  });
});
