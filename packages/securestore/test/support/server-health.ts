import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@securestore/jobs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runJob } from '../../../backend-redis/test/support/run-process.ts';
import type { Proxy } from '../../../../tools/services/src/proxy/proxy.ts';
import type {
  HealthCheck,
  HealthOptions,
  HealthReport,
  OpenOptions,
  UnlockSecretMethod,
  SecureStore,
} from '../../src/index.ts';
import { openStore, rawKey } from '../../src/index.ts';
import { healthByCommandLine } from './server-cli.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const LOOKS = sized({ short: 5, full: 20, torture: 1000 });
/** So many of them at a time. */
const AT_ONCE = 5;
/** Those of another process, at the same time. */
const OTHER_LOOKS = LOOKS / 10;
/** How much longer than its timeout a look may take until it is told on a busy machine, in milliseconds. */
const LATER = 20_000;
const MINUTE = 60_000;

/** The unlock of every store here, as that of `store-process.ts`. */
const UNLOCK: UnlockSecretMethod = rawKey(Buffer.alloc(32, 7));

/** What a look says of a server that is stopped: who chooses among servers waits a while for one. */
export const STOPPED: RegExp = /^it cannot be reached \(UNAVAILABLE\)$|^it does not answer in time \(TIMEOUT\)$/;

/** A server of the tests, and how a place on it is reached. */
export interface ServerPlace {
  readonly name: string;
  /** Why there is none. */
  readonly skip: string | undefined;
  /** A place that nothing was ever stored at; what the SDK needs of the environment is there until the test has ended. */
  readonly fresh: () => string;
  /** A proxy in front of the server of a store URL, closed after the test. */
  readonly proxied: (url: string) => Promise<Proxy>;
  /** The store URL through a proxy that, once begun, answers each request once as the service does if it wants fewer. */
  readonly throttled?: (url: string) => Promise<{ readonly url: string; readonly begin: () => void }>;
}

/** Emulators that everything on a busy machine goes to at a time do take longer than a second, which is no finding here. */
const PATIENT = { thresholds: { slowAfter: LATER, failingAfter: LATER } } as const;

/** A store that is closed when the test has ended. */
export async function opened(url: string, options: Partial<OpenOptions> = {}): Promise<SecureStore> {
  const store = await openStore(url, {
    unlock: UNLOCK,
    create: true,
    maintenance: false,
    health: PATIENT,
    ...options,
  });
  onTestFinished(() => store.close());
  return store;
}

/** What is not as it should be, by name. */
export function troubles({ checks }: HealthReport): Record<string, string> {
  return Object.fromEntries(
    checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up').map(({ name, status }) => [name, status]),
  );
}

/** The check of a report under a name, which must be there once. */
export function checkOf({ checks }: HealthReport, name: string): HealthCheck {
  const [check, another] = checks.filter((one) => one.name === name);
  if (check === undefined || another !== undefined) throw new Error(`not exactly one check "${name}"`);
  return check;
}

/** Looks at a store, which must be told within the timeout. */
export async function look(
  store: Pick<SecureStore, 'health'>,
  { timeout = 10_000, ...options }: HealthOptions = {},
): Promise<HealthReport> {
  const begun = performance.now();
  const report = await store.health({ timeout, ...options });
  expect(performance.now() - begun).toBeLessThan(timeout + LATER);
  expect(report.took).toBeLessThan(timeout + LATER);
  return report;
}

/** A store behind a proxy, seen to be well before anything goes wrong. */
async function behindProxy(place: ServerPlace): Promise<{ readonly store: SecureStore; readonly proxy: Proxy }> {
  const proxy = await place.proxied(place.fresh());
  const store = await opened(proxy.url);
  expect(troubles(await look(store))).toEqual({});
  return { store, proxy };
}

/** Writes, reads and lists until the signal aborts. */
async function load(store: SecureStore, lane: string, ended: AbortSignal): Promise<void> {
  for (let round = 0; !ended.aborted; round++) {
    const key = `${lane}/${round % 20}`;
    await store.store(key, randomBytes(round % 50 === 0 ? 200_000 : 300));
    await store.retrieve(key);
    if (round % 20 === 19) await store.list(`${lane}/`);
    await sleep(50);
  }
}

async function staysWell(place: ServerPlace): Promise<void> {
  const url = place.fresh();
  const store = await opened(url);
  const ended = new AbortController();
  const work = [load(store, 'a', ended.signal), load(store, 'b', ended.signal)];
  const other = runJob(url, 'look', OTHER_LOOKS, 3_000_000);
  try {
    for (let looks = 0; looks < LOOKS; looks += AT_ONCE) {
      const reports = await Promise.all(Array.from({ length: AT_ONCE }, () => look(store)));
      const wrong = reports.flatMap(({ checks }) =>
        checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up'),
      );
      expect(wrong, `look ${looks}`).toEqual([]);
    }
    await other;
  } finally {
    ended.abort();
    await Promise.allSettled([other, ...work]);
  }
  await Promise.all(work);
}

/** What a look says where the credentials that a store was opened with serve no more. */
export function expectRefused(report: HealthReport, code: 'UNAUTHENTICATED' | 'ACCESS_DENIED'): void {
  expect(report.status).toBe('failing');
  for (const name of ['backend', 'head']) {
    const { status, reason, advice } = checkOf(report, name);
    expect([name, status, reason]).toEqual([name, 'failing', expect.stringContaining(code)]);
    expect([name, advice]).toEqual([name, expect.stringContaining('renew the credentials of the backend')]);
  }
}

async function whereItIsStopped(place: ServerPlace): Promise<void> {
  const { store, proxy } = await behindProxy(place);
  proxy.cut();
  const report = await look(store, { timeout: 5000 });
  expect(report.status).toBe('failing');
  expect(checkOf(report, 'backend')).toMatchObject({
    status: 'failing',
    reason: expect.stringMatching(STOPPED),
    advice: expect.stringMatching(/see that the server, or the disk, is there|see whether the server is overloaded/),
  });
  expect(checkOf(report, 'head')).toMatchObject({
    status: 'failing',
    reason: expect.stringContaining('the manifest of the store cannot be confirmed'),
  });
  expect(checkOf(report, 'errors')).toMatchObject({
    status: expect.stringMatching(/degraded|failing/),
    reason: expect.stringMatching(/\d+ of \d+ calls of the last five minutes failed/),
    advice: expect.stringMatching(/the network on the way to it/),
  });
  proxy.set();
  expect(troubles(await look(store))).toEqual({ errors: 'degraded' });
  expect(troubles(await look(await opened(proxy.url)))).toEqual({});
}

async function whereItNeverAnswers(place: ServerPlace): Promise<void> {
  const { store, proxy } = await behindProxy(place);
  proxy.holdAnswers();
  const report = await look(store, { timeout: 1000, thresholds: { slowAfter: 500 } });
  expect(troubles(report)).toEqual({
    backend: 'failing',
    latency: 'degraded',
    errors: 'degraded',
    head: 'failing',
    clock: 'degraded',
    scrub: 'failing',
    backup: 'failing',
  });
  expect(checkOf(report, 'backend')).toMatchObject({
    reason: 'it does not answer in time (TIMEOUT)',
    advice: 'see whether the server is overloaded, and the network on the way to it',
  });
  proxy.set();
}

async function whereItIsSlow(place: ServerPlace): Promise<void> {
  const { store, proxy } = await behindProxy(place);
  proxy.set('delay');
  // Long enough that nothing times out on a busy machine, which would be another finding.
  const report = await look(store, { timeout: 30_000, thresholds: { slowAfter: 15 } });
  const { errors, ...others } = troubles(report);
  expect(others).toEqual({ latency: 'degraded' });
  // A server may close a connection that was silent for seconds just when a busy machine uses it again.
  if (errors !== undefined) expect(checkOf(report, 'errors').reason).toContain('attempts had to be repeated');
  expect(checkOf(report, 'latency')).toMatchObject({
    reason: expect.stringMatching(/^a call takes \d+ m?s, and \d+ m?s at the 95th percentile: over 15 ms$/),
    advice: expect.stringContaining('how far away the backend is'),
  });
  proxy.set();
}

async function whereEveryTenthAnswerIsLost(place: ServerPlace): Promise<void> {
  const url = place.fresh();
  await opened(url);
  const proxy = await place.proxied(url);
  const store = await opened(proxy.url);
  proxy.loseEvery(10);
  for (let looks = 0; looks < 3; looks++) await look(store);
  const report = await look(store);
  expect(proxy.lost()).toBeGreaterThan(5);
  expect(troubles(report)).toEqual({ errors: 'degraded' });
  expect(checkOf(report, 'errors')).toMatchObject({
    reason: expect.stringMatching(
      /^\d+ (of \d+ calls of the last five minutes failed|attempts had to be repeated for \d+ calls of the last five minutes) \(\d+ × UNAVAILABLE/,
    ),
    advice: 'see the log of the backend, and the network on the way to it',
  });
  proxy.set();
}

async function whereItAsksForLess({ fresh, throttled }: ServerPlace): Promise<void> {
  if (throttled === undefined) return;
  const url = fresh();
  await opened(url);
  const { url: through, begin } = await throttled(url);
  const store = await opened(through);
  expect(troubles(await look(store))).toEqual({});
  begin();
  const report = await look(store);
  expect(troubles(report)).toEqual({ errors: 'degraded' });
  expect(checkOf(report, 'errors')).toMatchObject({
    reason: expect.stringMatching(/^\d+ attempts had to be repeated for \d+ calls .*\(\d+ × THROTTLED\)$/),
    advice: 'raise the limits of the account, or send it less',
  });
}

async function whereClocksAreApart({ fresh }: ServerPlace): Promise<void> {
  const url = fresh();
  await opened(url);
  const cases: readonly [number, string, string][] = [
    [3 * MINUTE, 'degraded', 'this machine is ahead'],
    [-3 * MINUTE, 'degraded', 'this machine is behind'],
    [11 * MINUTE, 'failing', 'this machine is ahead); writes are refused'],
  ];
  for (const [apart, status, side] of cases) {
    const store = await opened(url, { clock: { ...systemClock(), now: () => Date.now() + apart } });
    const report = await look(store);
    expect(troubles(report)).toEqual({ clock: status });
    expect(checkOf(report, 'clock')).toMatchObject({
      reason: expect.stringContaining(side),
      advice: 'set the clocks, and have them kept right (NTP)',
    });
  }
}

async function toldByCommandLine({ name, fresh, proxied }: ServerPlace): Promise<void> {
  await healthByCommandLine(await proxied(fresh()), name.replace(/ .*/, ''));
}

/** The health of stores on a server: while it is well, and in whatever trouble a network can bring. */
export function describeHealth(place: ServerPlace): void {
  const reason = place.skip === undefined ? '' : ` (skipped: ${place.skip})`;
  describe.skipIf(place.skip !== undefined)(`the health of a store on ${place.name}${reason}`, () => {
    const ok = 'is ok, look after look, while two processes write and look';
    test(ok, () => staysWell(place), 3_600_000);

    // Each with a store of its own. They wait most of the time, so side by side they take a third of it.
    const wrong =
      'says what is wrong and nothing else, in time: of a server that is stopped, silent, slow, failing, throttling, or whose clock differs';
    test(wrong, async () => {
      const troubled = [
        whereItIsStopped,
        whereItNeverAnswers,
        whereItIsSlow,
        whereEveryTenthAnswerIsLost,
        whereItAsksForLess,
        whereClocksAreApart,
        toldByCommandLine,
      ];
      const ends = await Promise.allSettled(troubled.map((scene) => scene(place)));
      for (const [at, end] of ends.entries()) {
        if (end.status === 'rejected') throw new Error(troubled[at]?.name, { cause: end.reason });
      }
    });
  });
}
