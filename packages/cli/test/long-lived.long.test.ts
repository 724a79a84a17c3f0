import { execFile } from 'node:child_process';
import { tracingChannel } from 'node:diagnostics_channel';
import { fileURLToPath } from 'node:url';
import { BACKEND_CHANNEL } from '@securestore/backend-api';
import { CONSOLE_HEADERS, CONSOLE_PATHS } from '@securestore/protocol';
import type { HealthReport, OpenOptions, RotationDepth } from 'securestore';
import { generateIdentity, identity, keyFile, migrateStore, openStore, recipientOf } from 'securestore';
import { expect, it } from 'vitest';
import type { Sandbox } from './support/cli.ts';
import { jsonLines, sandbox } from './support/cli.ts';
import { serving } from './support/serving.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const PROGRAM = fileURLToPath(new URL('support/long-lived-process.ts', import.meta.url));

/** Each call of a process is a part of the audit log, since it waits for its entry. */
const { processes, parts } = sized({
  short: { processes: 2, parts: 60 },
  full: { processes: 10, parts: 1000 },
  torture: { processes: 100, parts: 10_000 },
});
/** What happens to the store between the processes. */
const EVENTS = sized<readonly Event[]>({
  // A move waits for other processes, for seconds.
  short: ['unlock'],
  full: ['unlock', 'there', 'keys', 'back', 'data'],
  torture: ['unlock', 'there', 'keys', 'back', 'data'],
});
/** So many processes are there at a time. */
const AT_ONCE = 2;
/** How many calls of the backend a look at the health of a store takes at most, however long it has lived: 200 parts of the log are read. */
const MOST_CALLS = 300;

type Event = RotationDepth | 'there' | 'back';

/** A store with a life before it. */
interface Life {
  readonly box: Sandbox;
  readonly places: Readonly<Record<'there' | 'back', string>>;
  readonly key: string;
  readonly options: OpenOptions;
  /** Where it is now. */
  url: string;
  /** How many processes there were. */
  count: number;
}

/** One process comes and goes; every third one is killed. */
async function live({ box, key, url }: Life, number: number, calls: number): Promise<void> {
  const end = number % 3 === 1 ? 'killed' : 'closed';
  // On the packages as bundled when the tests began, which load in half of the time.
  const args = ['--no-warnings', PROGRAM, url, key, `p${number}`];
  const ended = await new Promise<readonly unknown[]>((resolve) => {
    const child = execFile(process.execPath, [...args, String(calls), end], { env: box.env }, (_, stdout, stderr) =>
      resolve([stdout, stderr, child.signalCode ?? child.exitCode]),
    );
  });
  expect(ended).toEqual(['done\n', '', end === 'killed' ? 'SIGKILL' : 0]);
}

async function liveOn(life: Life, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, at) => life.count + at);
  life.count += count;
  const lane = async (): Promise<void> => {
    for (let next = numbers.shift(); next !== undefined; next = numbers.shift()) {
      await live(life, next, Math.ceil(parts / processes));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function happens(life: Life, event: Event): Promise<void> {
  if (event === 'there' || event === 'back') {
    const to = life.places[event];
    const report = await migrateStore(life.url, to, life.options);
    expect(report).toMatchObject({ migrated: true, failed: [], findings: [] });
    life.url = to;
    return;
  }
  await using store = await openStore(life.url, life.options);
  const secret = keyFile(life.key);
  await store.rotateEncryptionKey(secret, secret, { depth: event });
}

const troubles = ({ checks }: Pick<HealthReport, 'checks'>): unknown[] =>
  checks.filter(({ status }) => status !== 'ok' && status !== 'not-set-up');

/** What a server, and the overview of its console, tells of the store. */
async function served({ box, url: storeUrl }: Life): Promise<void> {
  const env = { SECURESTORE_URL: storeUrl };
  const asAdmin = (args: readonly string[]): ReturnType<Sandbox['run']> => box.run(args, { env });
  expect(await asAdmin(['role', 'add', 'auditor', '--template', 'auditor'])).toMatchObject({ exitCode: 0 });
  expect(await asAdmin(['grant', 'ann', 'auditor', '--yes'])).toMatchObject({ exitCode: 0 });
  const [{ token } = {}] = jsonLines((await asAdmin(['token', 'new', 'ann', '--json'])).stdout);
  const { url, stop } = await serving({ ...box, env: { ...box.env, ...env } });
  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, { headers });
    return [answer.status, await answer.json()];
  };
  const authorization = `Bearer ${String(token)}`;
  expect(await ask('/healthz')).toEqual([200, { status: 'ok' }]);
  expect(await ask('/readyz', { authorization })).toEqual([200, { status: 'ok' }]);
  const signedIn = await fetch(`${url}${CONSOLE_PATHS.session}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: new URL(url).origin },
    body: JSON.stringify({ token }),
  });
  const { csrf } = (await signedIn.json()) as { csrf: string };
  const cookie = signedIn.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  const [status, report] = (await ask('/v1/health', { cookie, [CONSOLE_HEADERS.csrf]: csrf })) as [
    number,
    HealthReport,
  ];
  expect([status, report.status, troubles(report)]).toEqual([200, 'ok', []]);
  const { exitCode, stderr } = await stop();
  expect([exitCode, stderr]).toEqual([0, '']);
}

/** How many calls of the backend it takes. */
async function callsOf(action: () => Promise<unknown>): Promise<number> {
  let calls = 0;
  const start = (): void => void (calls += 1);
  const channel = tracingChannel(BACKEND_CHANNEL);
  channel.start.subscribe(start);
  await action();
  channel.start.unsubscribe(start);
  return calls;
}

it(
  `a store is well after ${processes} processes, ${parts} parts of its audit log, and rotations and moves: ${EVENTS.join(', ')}`,
  { timeout: 3_600_000 },
  async () => {
    const box = await sandbox();
    const key = box.path('credentials', 'securestore-key');
    const places = { there: `file:${box.path('there')}`, back: `sqlite:${box.path('vault')}` };
    const options = { unlock: keyFile(key), anchor: false };
    const life: Life = { box, places, key, options, url: places.back, count: 0 };
    const auditor = generateIdentity();
    const first = await openStore(life.url, options);
    await first.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
    await first.close();

    for (const [at, event] of [...EVENTS, undefined].entries()) {
      const until = Math.round((processes * (at + 1)) / (EVENTS.length + 1));
      await liveOn(life, until - life.count);
      if (event !== undefined) await happens(life, event);
    }
    expect(life.count).toBe(processes);

    const store = await openStore(life.url, { ...options, maintenance: false });
    const verified = await store.audit.verify({ auditor: identity(auditor) });
    expect([verified.ok, verified.findings]).toEqual([true, []]);
    const entries = verified.segments.reduce((sum, { entries: own }) => sum + own, 0);
    expect(entries).toBeGreaterThanOrEqual(parts);
    expect(verified.segments.filter(({ ended }) => ended).length).toBeGreaterThanOrEqual(
      Math.floor((processes * 2) / 3),
    );
    const calls = await callsOf(async () => {
      const report = await store.health();
      expect([report.status, troubles(report)]).toEqual(['ok', []]);
    });
    console.log(`${verified.segments.length} segments with ${entries} entries; health takes ${calls} calls`);
    expect(calls).toBeLessThan(MOST_CALLS);
    for (let at = 0; at < processes; at++) expect((await store.retrieve(`p${at}/own`)).text()).toBe(`p${at}`);
    await store.close();

    const told = await box.run(['health', '--json'], { env: { SECURESTORE_URL: life.url } });
    expect(told, told.stdout).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonLines(told.stdout).at(-1)).toMatchObject({ summary: { status: 'ok' } });
    await served(life);
  },
);
