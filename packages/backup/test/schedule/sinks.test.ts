import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { systemClock } from '@securestore/jobs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Alert } from '../../src/schedule/alerts/index.ts';
import { deadManPing, execHook, webhook } from '../../src/schedule/alerts/index.ts';

const ALERT: Alert = {
  id: 'failed:nightly',
  event: 'begin',
  severity: 'critical',
  message: 'the last run of schedule nightly failed; $(touch /tmp/owned) "quoted"',
  advice: 'run it by hand to see why',
  since: Date.UTC(2026, 0, 1),
  at: Date.UTC(2026, 0, 2),
  facts: { now: Date.UTC(2026, 0, 2), lastGood: Date.UTC(2025, 11, 31), lag: 1500 },
};
const SECRET = 'a-secret-token';
/** For what is to end by itself, also on a busy machine. */
const MINUTE = 60_000;
const clock = systemClock();
/** What waits, waits a tenth of the time. */
const hurried = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms / 10, signal) };
/** What waits, waits a minute at least. */
const patient = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.max(ms, MINUTE), signal) };
const never = new AbortController().signal;

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let server: Server;
let received: Received[];
let answer: (response: ServerResponse, request: IncomingMessage) => void;
let url: string;

beforeEach(async () => {
  received = [];
  answer = (response) => response.writeHead(204).end();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/${SECRET}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

const sinkAt = (more: Partial<Parameters<typeof webhook>[0]> = {}): ReturnType<typeof webhook> =>
  webhook({ clock, url, allowHttp: true, timeout: MINUTE, ...more });

/** The error that a promise rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string; retryable: boolean }> {
  try {
    await promise;
  } catch (error) {
    const { code, message, retryable, cause } = error as Awaited<ReturnType<typeof errorOf>> & { cause?: unknown };
    expect(cause).toBeUndefined();
    expect(message).not.toContain(SECRET);
    return { code, message, retryable };
  }
  throw new Error('it did not fail');
}

describe('a webhook', () => {
  it('posts the alert as JSON', async () => {
    await sinkAt({ headers: { authorization: 'Bearer x' } }).send(ALERT, never);
    expect(received).toHaveLength(1);
    const [{ method, path, headers, body } = { body: '', headers: {} as IncomingMessage['headers'] }] = received;
    expect([method, path]).toEqual(['POST', `/hook/${SECRET}`]);
    expect(headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer x' });
    expect(JSON.parse(body)).toEqual(ALERT);
  });

  it.each([
    [500, 'UNAVAILABLE', true],
    [503, 'UNAVAILABLE', true],
    [429, 'THROTTLED', true],
    [401, 'ACCESS_DENIED', false],
    [404, 'INVALID_ARGUMENT', false],
  ])('fails where the answer has status %i', async (status, code, retryable) => {
    answer = (response) => response.writeHead(status).end('no');
    expect(await errorOf(sinkAt().send(ALERT, never))).toMatchObject({ code, retryable });
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect (%i)', async (status) => {
    answer = (response) => response.writeHead(status, { url: '/elsewhere' }).end();
    const { code, message } = await errorOf(sinkAt().send(ALERT, never));
    expect([code, message]).toEqual(['UNSUPPORTED', expect.stringContaining('redirects (status ')]);
    expect(received).toHaveLength(1);
  });

  it('gives up where no answer comes in time', async () => {
    answer = () => undefined;
    expect(await errorOf(sinkAt({ timeout: 100 }).send(ALERT, never))).toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
    });
  });

  it('does not wait for the end of an answer', async () => {
    answer = (response) => {
      response.writeHead(200);
      response.write('more to come');
    };
    await sinkAt().send(ALERT, never);
    expect(received).toHaveLength(1);
  });

  it('stops when it is told', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const sent = errorOf(sinkAt().send(ALERT, AbortSignal.any([stop.signal])));
    setTimeout(() => stop.abort(new Error('enough')), 50);
    expect(await sent).toMatchObject({ message: 'enough' });
  });

  it('fails where nobody listens', async () => {
    const sink = sinkAt({ url: 'http://127.0.0.1:1/' });
    expect(await errorOf(sink.send(ALERT, never))).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });

  it.each([
    ['http://example.org/a-secret-token', false],
    ['ftp://example.org/a-secret-token', true],
    ['https://user:a-secret-token@example.org/', true],
    ['a-secret-token', true],
  ])('refuses the address %s', async (wrong, allowHttp) => {
    const made = Promise.try(() => webhook({ clock, url: wrong, allowHttp }));
    expect(await errorOf(made)).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

// An answer may take a minute: a try that is given up too early is one more.
const ping = (): ReturnType<typeof deadManPing> =>
  deadManPing({ clock: hurried, url, allowHttp: true, timeout: 10 * MINUTE });

describe('a dead-man ping', () => {
  it('is a GET after a run that succeeded, and nothing after any other', async () => {
    for (const end of ['failure', 'lost', 'released', 'success'] as const) expect(await ping()(end)).toBeUndefined();
    expect(received.map(({ method }) => method)).toEqual(['GET']);
  });

  it('is tried three times, and never throws', async () => {
    let failing = 2;
    answer = (response) => response.writeHead(failing-- > 0 ? 500 : 200).end();
    expect(await ping()('success')).toBeUndefined();
    expect(received).toHaveLength(3);
    failing = Infinity;
    expect(await ping()('success')).toMatchObject({ code: 'UNAVAILABLE' });
    expect(received).toHaveLength(6);
  });

  it('goes nowhere else', async () => {
    answer = (response) => response.writeHead(302, { url: url }).end();
    expect(await ping()('success')).toMatchObject({ code: 'UNSUPPORTED' });
    expect(received).toHaveLength(1);
  });
});

/** Whether a process is there. */
const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const until = async (done: () => Promise<boolean> | boolean): Promise<void> => {
  for (let tries = 0; tries < MINUTE / 25; tries++) {
    if (await done()) return;
    await clock.sleep(25);
  }
  throw new Error('it never came');
};

describe.skipIf(process.platform === 'win32')('an exec hook', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'securestore-hook-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  const hook = (script: string, more: Partial<Parameters<typeof execHook>[0]> = {}): ReturnType<typeof execHook> =>
    execHook({ clock, timeout: MINUTE, command: [process.execPath, '-e', script, folder], ...more });
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const saving = `
    const { writeFileSync, readFileSync } = require('node:fs');
    const folder = process.argv[1];
    writeFileSync(folder + '/env', JSON.stringify(process.env));
    writeFileSync(folder + '/stdin', readFileSync(0));
    writeFileSync(folder + '/argv', JSON.stringify(process.argv.slice(2)));`;

  it('gets the alert in its environment and on its stdin', async () => {
    await hook(saving).send(ALERT, never);
    expect(JSON.parse(await read('stdin'))).toEqual(ALERT);
    expect(JSON.parse(await read('env'))).toMatchObject({
      SECURESTORE_ALERT_ID: 'failed:nightly',
      SECURESTORE_ALERT_EVENT: 'begin',
      SECURESTORE_ALERT_SEVERITY: 'critical',
      SECURESTORE_ALERT_MESSAGE: ALERT.message,
      SECURESTORE_ALERT_ADVICE: 'run it by hand to see why',
      SECURESTORE_ALERT_SINCE: '2026-01-01T00:00:00.000Z',
      SECURESTORE_ALERT_LAST_GOOD: '2025-12-31T00:00:00.000Z',
      SECURESTORE_ALERT_LAG_MS: '1500',
    });
  });

  it('gets its arguments as they are, without a shell', async () => {
    const odd = ['$(touch owned)', '`id`', 'a b', '"', "'", '*', '; rm -r .'];
    await execHook({ timeout: MINUTE, command: [process.execPath, '-e', saving, folder, ...odd] }).send(ALERT, never);
    expect(JSON.parse(await read('argv'))).toEqual(odd);
  });

  it('does not get the secrets of this process, or where they lie', async () => {
    for (const name of [
      'SECURESTORE_PASSPHRASE',
      'SECURESTORE_PASSPHRASE_FILE',
      'SECURESTORE_TOKEN',
      'SECURESTORE_URL',
      'SECURESTORE_WEBHOOK_URL',
      'SECURESTORE_PING_URL',
      'securestore_test_s3_url',
      'CREDENTIALS_DIRECTORY',
    ]) {
      vi.stubEnv(name, `${SECRET} of ${name}`);
    }
    onTestFinished(() => void vi.unstubAllEnvs());
    await hook(saving).send(ALERT, never);
    expect(await read('env')).not.toContain(SECRET);
    expect(JSON.parse(await read('env'))).toMatchObject({ PATH: process.env['PATH'] });
    await hook(saving, { env: { ONLY: 'this' } }).send(ALERT, never);
    expect(JSON.parse(await read('env'))).not.toHaveProperty('PATH');
  });

  it('need not read its stdin', async () => {
    const long = { ...ALERT, message: 'x'.repeat(100_000) };
    await execHook({ clock, timeout: MINUTE, command: [process.execPath, '-e', '0'] }).send(
      { ...ALERT, facts: { now: 0, sizes: Array.from({ length: 200_000 }, () => 1) } },
      never,
    );
    await hook('process.stdin.destroy(); setTimeout(() => 0, 100)').send(long, never);
  });

  it('fails with its exit code, or the signal that ended it', async () => {
    expect(await errorOf(hook('process.exit(3)').send(ALERT, never))).toEqual({
      code: 'UNAVAILABLE',
      retryable: true,
      message: 'the program of the exec hook ended with exit code 3',
    });
    const { message } = await errorOf(hook('process.kill(process.pid, "SIGKILL")').send(ALERT, never));
    expect(message).toContain('by SIGKILL');
  });

  it('fails where there is no such program, or none that may be run', async () => {
    const missing = execHook({ clock, command: [join(folder, 'missing')] });
    expect(await errorOf(missing.send(ALERT, never))).toMatchObject({ code: 'NOT_FOUND', retryable: false });
    await writeFile(join(folder, 'text'), 'no program', { mode: 0o600 });
    const denied = execHook({ clock, command: [join(folder, 'text')] });
    expect(await errorOf(denied.send(ALERT, never))).toMatchObject({ code: 'ACCESS_DENIED' });
    // As a program in JavaScript may call it.
    expect(() => execHook({} as Parameters<typeof execHook>[0])).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(() => execHook({ clock, command: [] })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  it('is ended with all that it has started where it takes too long', async () => {
    // Neither the program nor its child heeds a polite request.
    const child = `process.on('SIGTERM', () => 0); setInterval(() => 0, 1000);`;
    const script = `
      process.on('SIGTERM', () => 0);
      const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}]);
      require('node:fs').writeFileSync(process.argv[1] + '/pids', process.pid + ' ' + child.pid);
      setInterval(() => 0, 1000);`;
    // The time is over as soon as both are there, however long that takes here; then there is less patience.
    const begun = (): Promise<boolean> =>
      read('pids').then(
        (text) => text !== '',
        () => false,
      );
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
      ms === 2000 ? clock.sleep(200, signal) : until(begun);
    const sent = errorOf(hook(script, { clock: { ...clock, sleep } }).send(ALERT, never));
    expect(await sent).toMatchObject({ code: 'TIMEOUT', retryable: true });
    const pids = (await read('pids')).split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await until(() => !pids.some(lives));
  });

  it('may end in its own way when it is asked to', async () => {
    const script = `
      const { writeFileSync } = require('node:fs');
      process.on('SIGTERM', () => { writeFileSync(process.argv[1] + '/end', 'asked'); process.exit(0); });
      writeFileSync(process.argv[1] + '/begun', '');
      setInterval(() => 0, 1000);`;
    const stop = new AbortController();
    const sent = errorOf(hook(script, { clock: patient }).send(ALERT, stop.signal));
    await until(() =>
      read('begun').then(
        () => true,
        () => false,
      ),
    );
    stop.abort(new Error('enough'));
    expect(await sent).toMatchObject({ message: 'enough' });
    expect(await read('end')).toBe('asked');
  });
});
