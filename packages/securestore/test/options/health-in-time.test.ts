import { randomUUID } from 'node:crypto';
import type { FaultInjector, StorageBackend } from '@securestore/backend-api';
import { composeLayers, createFaultInjector } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HealthReport, OpenOptions, SecureStore } from '../../src/index.ts';
import { addPrincipal, createStore, grantRole, openStore, recipientOf, setRole } from '../../src/index.ts';
import { auditor, unlock } from '../support/audits.ts';
import { BackupWorld } from '../support/backup-world.ts';

/** How long a look may take here at first and at last, in milliseconds, and how much longer until it is told. */
const WITHIN = 500;
const MOST_WITHIN = 16_000;
const LATER = 1500;

interface Stalling {
  readonly backend: StorageBackend;
  readonly injector: FaultInjector;
  /** From now on nothing is answered. */
  readonly stall: () => void;
}

function stalling(): Stalling {
  const injector = createFaultInjector();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  onTestFinished(() => {
    injector.plan(undefined);
    resolve();
  });
  return {
    backend: composeLayers(new MemoryBackend(), [injector.layer]),
    injector,
    stall: () => injector.plan(() => ({ type: 'delay', until: ended })),
  };
}

async function opened(options: Partial<OpenOptions> = {}): Promise<Stalling & { readonly store: SecureStore }> {
  const url = `memory:${randomUUID()}`;
  const { promise, resolve } = Promise.withResolvers<SecureStore>();
  // Closed when the backend answers again: hooks run in reverse order.
  onTestFinished(async () => (await promise).close());
  const place = stalling();
  const store = await createStore(url, { unlock, maintenance: false, backend: place.backend, ...options });
  resolve(store);
  return { ...place, store };
}

const statusOf = ({ checks }: HealthReport, name: string): string[] =>
  checks.filter((check) => check.name === name).map(({ status }) => status);

/**
 * A look that must be told of in time. On a busy machine one may be late, or have no time for what would answer: then it is looked again,
 * for longer.
 */
async function inTime(
  look: (timeout: number) => Promise<HealthReport>,
  isWhole: (report: HealthReport) => boolean = () => true,
): Promise<HealthReport> {
  for (let within = WITHIN; ; within *= 2) {
    const begun = performance.now();
    const report = await look(within);
    const took = performance.now() - begun;
    if (within < MOST_WITHIN && (took >= within + LATER || !isWhole(report))) continue;
    expect(took).toBeLessThan(within + LATER);
    return report;
  }
}

describe('the health of a store with several backups', () => {
  test('tells of each, where one of the destinations never answers', async () => {
    const [stuck, well, stale] = [stalling(), new MemoryBackend(), new MemoryBackend()];
    const store = await new BackupWorld().open({
      destinations: {
        'memory:stuck': { backend: stuck.backend },
        'memory:well': { backend: well },
        'memory:stale': { backend: stale },
      },
    });
    await store.store('a', 'b');
    for (const url of ['memory:stuck', 'memory:well', 'memory:stale']) await store.backup(url);
    for (const { key } of (await stale.list('')).entries) await stale.delete(key);
    stuck.stall();
    const report = await inTime(
      (timeout) => store.health({ timeout }),
      (looked) =>
        statusOf(looked, 'backup').includes('ok') &&
        ['backend', 'head', 'latency'].every((name) => statusOf(looked, name).join() === 'ok'),
    );
    const backups = report.checks.filter(({ name }) => name === 'backup');
    expect(backups.map(({ subject, status }) => [subject, status])).toEqual([
      ['memory:stuck', 'failing'],
      ['memory:well', 'ok'],
      ['memory:stale', 'failing'],
    ]);
    expect(backups[0]).toMatchObject({
      reason: expect.stringMatching(/^the destination memory:stuck cannot be reached \(TIMEOUT\): .+$/),
      advice: 'see that its server or disk is there, and that this machine can reach it',
    });
    expect(backups[2]?.reason).toContain('memory:stale has no backups any more (NOT_FOUND');
    for (const name of ['backend', 'head', 'latency']) expect([name, ...statusOf(report, name)]).toEqual([name, 'ok']);
  });
});

describe('the health of a store whose backend never answers', () => {
  test('is told within the timeout', async () => {
    const { store, stall } = await opened();
    stall();
    const report = await inTime((timeout) => store.health({ timeout }));
    expect(report.status).toBe('failing');
    for (const name of ['backend', 'head', 'scrub'])
      expect([name, ...statusOf(report, name)]).toEqual([name, 'failing']);
  });

  test('is told to a session, too', async () => {
    const { store, stall } = await opened({
      authenticators: [{ name: 'somebody', authenticate: () => ({ principal: 'somebody' }) }] as never,
    });
    await store.access.change(setRole('watching', [{ effect: 'allow', actions: ['health'] }]));
    await store.access.change(addPrincipal('somebody', 'user'));
    await store.access.change(grantRole('somebody', 'watching'));
    const session = await store.session({ principal: 'somebody' });
    stall();
    expect((await inTime((timeout) => session.health({ timeout }))).status).toBe('failing');
  });

  test('is told before it is recorded, where the audit log is to have everything first', async () => {
    const { store, stall } = await opened();
    await store.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
    expect((await store.health({ timeout: 5000 })).status).toBe('ok');
    stall();
    expect((await inTime((timeout) => store.health({ timeout }))).status).toBe('failing');
  });
});

test('the audit log is looked at by several readings at a time, so that it is told of in time from far away', async () => {
  const { store, backend, injector } = await opened();
  await store.audit.enable({ auditor: await recipientOf(auditor) });
  for (let n = 0; n < 20; n++) {
    // Each process has a segment of its own.
    await using other = await openStore(store.url, { unlock, maintenance: false, backend });
    await other.has('k');
  }
  const { promise: several, resolve } = Promise.withResolvers<void>();
  let reading = 0;
  injector.plan(({ operation, key = '' }) => {
    if (operation !== 'read' || !key.startsWith('a/')) return undefined;
    reading += 1;
    if (reading === 8) resolve();
    return { type: 'delay', until: several };
  });
  expect(await store.audit.examine()).toMatchObject({ ok: true, complete: true, findings: [] });
  expect(reading).toBeGreaterThanOrEqual(20);
});
