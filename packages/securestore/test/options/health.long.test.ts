import { randomUUID } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HealthCheck, HealthReport, OpenOptions, SecureStore } from '../../src/index.ts';
import {
  addPrincipal,
  createStore,
  functionSink,
  grantRole,
  identity,
  openStore,
  recipientOf,
  setRole,
} from '../../src/index.ts';
import { unlock } from '../support/access-world.ts';
import { auditor } from '../support/audits.ts';
import { backedUp, BackupWorld, PATIENT } from '../support/backup-world.ts';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function checkOf({ checks }: HealthReport, name: string): HealthCheck {
  const [check, another] = checks.filter((one) => one.name === name);
  if (check === undefined || another !== undefined) throw new Error(`not exactly one check "${name}"`);
  return check;
}

function troubles({ checks }: HealthReport): Record<string, string> {
  return Object.fromEntries(
    checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up').map(({ name, status }) => [name, status]),
  );
}

/** What controls the backend of a store, and has no keys. */
async function backendOf({ url, clock }: BackupWorld): Promise<StorageBackend> {
  const backend = new MemoryBackend({ clock: () => clock.now() });
  await backend.init({ url, options: {} });
  return backend;
}

async function namesUnder(backend: StorageBackend, prefix: string): Promise<string[]> {
  return (await backend.list(prefix)).entries.map(({ key }) => key);
}

async function damage(backend: StorageBackend, name: string): Promise<void> {
  const { body } = (await backend.read(name)) ?? { body: new Uint8Array(1) };
  body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  await backend.write(name, body);
}

const LOOKS = TORTURE ? 1000 : 500;

describe('the health of a store', () => {
  test('is ok for a new one, and tells what is not configured', async () => {
    const health = { thresholds: PATIENT };
    const store = await createStore(`memory:${randomUUID()}`, { unlock, maintenance: false, health });
    onTestFinished(() => store.close());
    const report = await store.health();
    expect(report.status).toBe('ok');
    const unset = report.checks.filter(({ status }) => status === 'not-set-up').map(({ name }) => name);
    expect(unset).toEqual(['scrub', 'backup', 'audit']);
    const reasons = Object.fromEntries(report.checks.map(({ name, reason }) => [name, reason]));
    expect(reasons).toMatchObject({
      backend: 'memory can write, read and remove',
      backup: 'no backup is configured',
      audit: 'the store is not audited',
      scrub: 'no scrub of the store has completed',
    });
    expect(Object.keys(reasons)).toEqual([
      'backend',
      'latency',
      'errors',
      'head',
      'clock',
      'keys',
      'capacity',
      'scrub',
      'backup',
      'audit',
    ]);
  });

  test('fails where a backup is stale, and says since when', async () => {
    const { world, store } = await backedUp();
    expect(checkOf(await store.health(), 'backup')).toMatchObject({
      status: 'ok',
      subject: world.backup,
      reason: 'the last good backup is less than a minute old; no drill has succeeded yet',
    });
    await store.backups.drill(world.backup);
    world.clock.advance(25 * HOUR);
    expect(checkOf(await store.health(), 'backup')).toMatchObject({
      status: 'ok',
      reason: 'the last good backup is 25 h old; the last drill was 25 h ago',
      figures: { drillAge: expect.any(Number) },
    });
    world.clock.advance(2 * DAY);
    const report = await store.health();
    expect(troubles(report)).toEqual({ backup: 'failing' });
    expect(checkOf(report, 'backup')).toMatchObject({
      reason: expect.stringContaining('the last good backup is 3 d old'),
      advice: expect.stringContaining('make a backup now'),
      figures: { age: expect.any(Number), unverified: expect.any(Number) },
    });
  });

  test(
    `is never other than ok in ${LOOKS} looks at a store that is well, with a backup and an audit log`,
    { timeout: 300_000 },
    async () => {
      const { world, store } = await backedUp();
      await store.audit.enable({ auditor: await recipientOf(auditor) });
      await store.scrub();
      for (let look = 0; look < LOOKS; look++) {
        await store.store(`k${look % 10}`, `${look}`);
        await world.clock.sleep(look % 3 === 0 ? 60_000 : 500);
        if (look % 25 === 24) await store.backup(world.backup);
        expect(troubles(await store.health()), `look ${look}`).toEqual({});
      }
    },
  );

  test('is ok after everything that is done to a store on purpose, wherever it is open, and so is a scrub', async () => {
    const { world, store } = await backedUp();
    // Whoever opened the store by a secret that is replaced is locked out.
    const secondSecret = Buffer.alloc(32, 5);
    await store.slots.add(secondSecret);
    const other = await world.open();
    await store.audit.enable({ auditor: await recipientOf(auditor) });
    const isWell = async (what: string): Promise<void> => {
      for (const handle of [store, other]) expect([what, troubles(await handle.health())]).toEqual([what, {}]);
      const { ok, findings } = await store.scrub();
      expect([what, ok, findings]).toEqual([what, true, []]);
      expect([what, troubles(await other.health())]).toEqual([what, {}]);
    };
    await store.checkpoint();
    await isWell('a checkpoint');
    await store.rotateEncryptionKey(secondSecret, Buffer.alloc(32, 4));
    await isWell('a rotation');
    await store.purge('db/b');
    await store.store('db/a', 'third');
    await isWell('purging');
    world.clock.advance(20 * DAY);
    await store.gc();
    await store.backup(world.backup);
    await isWell('a collection');
    await store.slots.add(`another ${randomUUID()}`);
    await isWell('another secret');
    await store.restore(world.backup, { snapshot: 1, prefix: 'db/', conflict: 'overwrite' });
    await isWell('restoring objects');
    await store.restore(world.backup, { conflict: 'overwrite' });
    await isWell('restoring the whole');
    await store.checkpoint();
    await store.gc();
    await isWell('another collection');
  });

  test('says so where the secret that opened it has been replaced, and suspects nobody', async () => {
    const { world, store } = await backedUp();
    await store.audit.enable({ auditor: await recipientOf(auditor) });
    const other = await world.open();
    await store.rotateEncryptionKey(Buffer.alloc(32, 3), Buffer.alloc(32, 4));
    await store.slots.add(`another ${randomUUID()}`);
    await world.clock.sleep(10_000);
    const report = await other.health();
    expect(troubles(report)).toMatchObject({ head: 'failing', backup: 'failing', audit: 'failing' });
    expect(checkOf(report, 'head').reason).toBe(
      'the manifest of the store cannot be confirmed: the slot that opened the store has been removed (LOCKED)',
    );
    for (const { name, status, reason, advice } of report.checks) {
      if (status === 'ok' || status === 'not-set-up') continue;
      expect([name, reason]).toEqual([
        name,
        expect.stringContaining('the slot that opened the store has been removed'),
      ]);
      expect([name, advice]).toEqual([name, 'open the store with a secret of a slot that it has']);
    }
  });

  test('is asked of backups and the audit log only now and then by those who look again and again', async () => {
    const { world, store } = await backedUp();
    world.clock.advance(HOUR);
    const age = async (): Promise<number> => {
      const text = await store.metrics.prometheus({ maxAge: 1 });
      return Number(/^securestore_backup_age_seconds\{[^}]*\} (\S+)$/m.exec(text)?.[1]);
    };
    const first = await age();
    expect(first).toBeGreaterThan(3590);
    world.clock.advance(60_000);
    expect(await age()).toBe(first);
    expect(checkOf(await store.health(), 'backup').figures?.['age']).toBeGreaterThan((first + 59) * 1000);
    world.clock.advance(301_000);
    expect(await age()).toBeGreaterThan(first + 360);
  });

  test('takes the thresholds that it was opened with, and refuses such as make no sense', async () => {
    const world = new BackupWorld();
    const store = await world.furnished({
      health: { backups: { maxAge: HOUR }, thresholds: { ...PATIENT, maxKeyAge: HOUR } },
    });
    await store.backup(world.backup);
    world.clock.advance(2 * HOUR);
    expect(troubles(await store.health())).toEqual({ backup: 'failing', keys: 'degraded' });
    expect(troubles(await store.health({ thresholds: { maxKeyAge: DAY } }))).toEqual({ backup: 'failing' });
    const wrong: unknown[] = [1, [], { thresholds: { slow: 1 } }, { other: 1 }];
    for (const health of wrong) {
      const options = { unlock, create: true, health } as OpenOptions;
      await expect(openStore(`memory:${randomUUID()}`, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('fails where nobody runs the schedules', async () => {
    const { world, store } = await backedUp();
    await store.schedules.add({ id: 'nightly', cron: '0 3 * * *', task: 'verify', destination: world.backup });
    expect((await store.health()).status).toBe('ok');
    world.clock.advance(25 * HOUR);
    expect(checkOf(await store.health(), 'backup')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('schedule nightly was due'),
      advice: expect.stringContaining('schedule run'),
    });
    await store.schedules.run({ once: true });
    expect(troubles(await store.health())).toEqual({});
  });

  test('fails where a destination can not be reached', async () => {
    const world = new BackupWorld();
    const shelf = new MemoryBackend({ clock: () => world.clock.now() });
    const injector = createFaultInjector();
    const backend = composeLayers(shelf, [injector.layer]);
    const store = await world.furnished({ destinations: { [world.backup]: { backend } } });
    await store.backup(world.backup);
    injector.plan(() => ({ type: 'fail' }));
    expect(checkOf(await store.health(), 'backup')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining(`the destination ${world.backup} cannot be reached (UNAVAILABLE`),
    });
  });
});

async function audited(more: Partial<OpenOptions> = {}): Promise<{ world: BackupWorld; store: SecureStore }> {
  const world = new BackupWorld();
  const store = await world.furnished(more);
  await store.audit.enable({ auditor: await recipientOf(auditor) });
  for (let round = 0; round < 4; round++) {
    await store.retrieve('db/a');
    await world.clock.sleep(3000);
  }
  // The head says how far the log goes.
  await store.slots.add(`a passphrase ${randomUUID()}`);
  await world.clock.sleep(3000);
  return { world, store };
}

describe('the health of an audited store', () => {
  test('is ok, with the key of the auditor and without', async () => {
    const { world, store } = await audited();
    expect(checkOf(await store.health(), 'audit')).toMatchObject({
      status: 'ok',
      reason: expect.stringMatching(/^all \d+ parts are whole/),
    });
    await store.close();
    const again = await world.open({ health: { auditor: identity(auditor) } });
    expect(checkOf(await again.health(), 'audit')).toMatchObject({
      status: 'ok',
      reason: 'all 1 segments are as they were written',
    });
  });

  test.each<[string, (backend: StorageBackend, parts: readonly string[]) => Promise<unknown>, string]>([
    ['a part is damaged', (backend, [, name = '']) => damage(backend, name), 'is damaged'],
    ['a part is missing', (backend, [, name = '']) => backend.delete(name), 'are missing'],
    ['its beginning is missing', (backend, [name = '']) => backend.delete(name), 'its beginning is missing'],
    [
      'its end is cut off',
      (backend, [, ...later]) => Promise.all(later.map((name) => backend.delete(name))),
      'its end is cut off',
    ],
    [
      'the whole of it is gone',
      (backend, names) => Promise.all(names.map((name) => backend.delete(name))),
      'is missing',
    ],
  ])('fails where %s', async (_, change, message) => {
    const { world, store } = await audited();
    const backend = await backendOf(world);
    await change(backend, await namesUnder(backend, 'a/'));
    expect(checkOf(await store.health(), 'audit')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining(message),
      advice: expect.stringContaining('securestore audit verify'),
    });
  });

  test('is told although nothing can be recorded', async () => {
    const broken = functionSink('broken', () => {
      throw new Error('no room');
    });
    const world = new BackupWorld();
    const store = await world.furnished({ audit: { sinks: [{ sink: broken, mandatory: false }] } });
    await store.audit.enable({ auditor: await recipientOf(auditor) });
    await store.retrieve('db/a');
    await world.clock.sleep(10_000);
    expect(checkOf(await store.health(), 'audit')).toMatchObject({
      status: 'degraded',
      reason: expect.stringContaining('the sink broken of the audit log'),
    });
  });
});

describe('a scrub', () => {
  test('repairs from a backup what was damaged, after keys were renewed too', async () => {
    const { world, store } = await backedUp();
    await store.checkpoint();
    await store.backup(world.backup);
    await store.rotateEncryptionKey(Buffer.alloc(32, 3), Buffer.alloc(32, 4));
    const backend = await backendOf(world);
    const before = new Map<string, string>();
    const [part = ''] = await namesUnder(backend, 'b/');
    // What a record that is damaged names can't be told to be damaged, too.
    const others = (await namesUnder(backend, 'o/')).filter((name) => !part.startsWith(`b/${name.slice(2)}./`));
    const targets = [...others.slice(0, 2), ...(await namesUnder(backend, 'h/')).slice(0, 1), part];
    for (const name of targets) {
      before.set(name, Buffer.from((await backend.read(name))?.body ?? []).toString('hex'));
      await damage(backend, name);
    }
    const found = await store.scrub();
    expect(found).toMatchObject({ ok: false, found: 4, repaired: 0 });
    expect(checkOf(await store.health(), 'scrub')).toMatchObject({ status: 'failing' });
    const repaired = await store.scrub({ repair: world.backup });
    expect(repaired).toMatchObject({ ok: true, found: 4, repaired: 4 });
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true });
    expect(troubles(await store.health())).toEqual({});
    await store.backup(world.backup);
    expect(await store.backups.verify(world.backup, { depth: 'opens' })).toMatchObject({ ok: true });
  });

  test('is called for by health once a verification has found damage, until it finds none', async () => {
    const { world, store } = await backedUp();
    const other = await world.open();
    const backend = await backendOf(world);
    const [name = ''] = await namesUnder(backend, 'o/');
    const whole = (await backend.read(name))?.body ?? new Uint8Array();
    await damage(backend, name);
    expect((await store.verify()).ok).toBe(false);
    expect(checkOf(await other.health(), 'scrub')).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining('is not as stored'),
      advice: expect.stringContaining('securestore scrub --repair'),
    });
    await backend.write(name, whole);
    expect((await other.scrub()).ok).toBe(true);
    expect(checkOf(await store.health(), 'scrub').status).toBe('ok');
  });

  test('fails where there is no backup to repair from', async () => {
    const world = new BackupWorld();
    const store = await world.furnished();
    await expect(store.scrub({ repair: world.target })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is for whoever may verify, and repairing for whoever may replace', async () => {
    const { world, store } = await backedUp();
    await store.access.change(setRole('looking', [{ effect: 'allow', actions: ['verify', 'health'] }]));
    await store.access.change(addPrincipal('somebody', 'user'));
    await store.access.change(grantRole('somebody', 'looking'));
    const session = await store.session({ principal: 'somebody' });
    expect((await session.health()).status).toBe('ok');
    expect(await session.scrub()).toMatchObject({ ok: true });
    await expect(session.scrub({ repair: world.backup })).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(session.gc()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

test('the health of a store names no object to a session, which may see none', async () => {
  const url = `memory:${randomUUID()}`;
  const store = await createStore(url, { unlock, maintenance: false });
  onTestFinished(() => store.close());
  await store.store('db/prod/password', 'secret');
  const backend = new MemoryBackend();
  await backend.init({ url, options: {} });
  onTestFinished(() => backend.close());
  const [name = ''] = await namesUnder(backend, 'o/');
  await damage(backend, name);
  await store.scrub();
  expect(checkOf(await store.health(), 'scrub').reason).toContain('db/prod/password');
  await store.access.change([
    setRole('watching', [{ effect: 'allow', actions: ['health'] }]),
    addPrincipal('watcher', 'service'),
    grantRole('watcher', 'watching'),
  ]);
  const { token } = await store.access.createToken('watcher');
  await using session = await store.session({ token });
  for (const options of [{}, { keys: true }]) {
    const report = await session.health(options);
    expect(checkOf(report, 'scrub')).toMatchObject({ status: 'failing' });
    expect(JSON.stringify(report)).not.toContain('password');
  }
});
