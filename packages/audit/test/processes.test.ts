import { execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { callsOf, NO_TRACER } from '../../../tools/campaigns/src/trace/tracer.ts';
import type { AuditReport } from '../src/index.ts';
import { auditLines, verifyLog } from '../src/index.ts';
import type { WriterOrder } from './support/writer-process.ts';
import { newAuditor, newStore } from './support/world.ts';
import type { TestStore } from './support/world.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const PROGRAM = fileURLToPath(new URL('./support/writer-process.ts', import.meta.url));

const WRITERS = sized({ short: 3, full: 8, torture: 8 });

const store: TestStore = await newStore(await newAuditor());

function newLog(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'audit.jsonl');
}

interface Writer {
  readonly process: ChildProcess;
  readonly acknowledged: string[];
  /** Resolves with the number of acknowledged entries once there are so many. */
  readonly reaches: (count: number) => Promise<void>;
  readonly ended: Promise<unknown>;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

// On the packages as bundled when the tests began, except this one.
const NODE = [process.execPath, '--no-warnings'] as const;

function orderOf(path: string, name: string, count?: number): string {
  const { created, publicKey, signature } = store.basis.certificate;
  const order: WriterOrder = {
    path,
    name,
    ...(count === undefined ? {} : { count }),
    instanceId: text(store.instanceId),
    auditor: text(store.auditor.publicKey),
    signing: text(store.signing.export({ format: 'der', type: 'pkcs8' })),
    certificate: { created, publicKey: text(publicKey), signature: text(signature) },
  };
  return JSON.stringify(order);
}

function startWriter(path: string, name: string, count?: number): Writer {
  const [node, ...argv] = NODE;
  const child = spawn(node, [...argv, PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(orderOf(path, name, count));
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => void acknowledged.push(line));
  const reaches = async (wanted: number): Promise<void> => {
    while (acknowledged.length < wanted) await once(lines, 'line');
  };
  return { process: child, acknowledged, reaches, ended: Promise.all([once(lines, 'close'), once(child, 'exit')]) };
}

const linesOf = (path: string): AsyncGenerator<string> => auditLines(createReadStream(path));

function verify(path: string): Promise<AuditReport> {
  return verifyLog({
    lines: () => linesOf(path),
    auditorKeys: [store.auditor.privateKey],
    identity: store.identity,
    instanceIds: [store.instanceId],
  });
}

/** The request ids in a log, each as often as it is there. */
async function requestsIn(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(path))
    found.push(...[...line.matchAll(/"requestId":"([^"]+)"/g)].map(([, id = '']) => id));
  return found;
}

it('a process that waits for nothing but a sink that never answers gets an answer', () => {
  const program = fileURLToPath(new URL('./support/hanging-process.ts', import.meta.url));
  const [node, ...argv] = NODE;
  expect(execFileSync(node, [...argv, program], { encoding: 'utf8' })).toBe('TIMEOUT\nUNAVAILABLE\n');
});

it('nothing is acknowledged that the disk has not made durable', (context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  const path = newLog();
  // Not a new file, whose folder must be made durable too.
  writeFileSync(path, '\n', { mode: 0o600 });
  const run = (...tampering: string[]): { readonly stdout: string; readonly stderr: string } => {
    const argv = ['-f', '-qq', '-o', '/dev/null', ...tampering, ...NODE, PROGRAM];
    return spawnSync('strace', argv, { input: orderOf(path, 'w', 1), encoding: 'utf8' });
  };
  expect(run()).toMatchObject({ stdout: 'w-0\n', stderr: '' });
  const refused = run('-e', 'inject=fsync:error=EIO');
  expect([refused.stdout, refused.stderr]).toEqual(['', expect.stringContaining('the file system failed (EIO)')]);
});

it('the name of a log is durable too that others have begun, who may have waited for nothing', (context) => {
  if (NO_TRACER !== undefined) context.skip(NO_TRACER);
  const path = newLog();
  writeFileSync(path, '\n', { mode: 0o600 });
  const log = `${path}.trace`;
  const argv = ['-f', '-qq', '-y', '-e', 'trace=fsync', '-o', log, ...NODE, PROGRAM];
  expect(spawnSync('strace', argv, { input: orderOf(path, 'w', 1), encoding: 'utf8' }).stdout).toBe('w-0\n');
  const flushed = callsOf(readFileSync(log, 'utf8')).map(({ args }) => args.replace(/^\d+/, ''));
  expect(flushed).toEqual(expect.arrayContaining([`<${realpathSync(path)}>`, `<${realpathSync(dirname(path))}>`]));
});

it(`${WRITERS} processes write one file, each a segment of its own: every entry is there once`, async () => {
  const path = newLog();
  const count = 100;
  const writers = Array.from({ length: WRITERS }, (_, index) => startWriter(path, `w${index}`, count));
  await Promise.all(writers.map(({ ended }) => ended));
  expect(writers.map(({ process: { exitCode } }) => exitCode)).toEqual(writers.map(() => 0));
  const report = await verify(path);
  expect([report.findings, report.notes]).toEqual([[], []]);
  expect(report.segments.map(({ entries, ended }) => [entries, ended])).toEqual(writers.map(() => [count + 1, true]));
  const acknowledged = writers.flatMap((writer) => writer.acknowledged);
  expect(acknowledged).toHaveLength(WRITERS * count);
  expect((await requestsIn(path)).toSorted()).toEqual(acknowledged.toSorted());
});

it('kill -9: what was acknowledged is there once, and nothing looks like tampering', async () => {
  const path = newLog();
  const kills = sized({ short: 3, full: 6, torture: 300 });
  let started = 0;
  const all: Writer[] = [];
  const start = (): Writer => {
    const writer = startWriter(path, `w${started++}`);
    all.push(writer);
    return writer;
  };
  const running = [start(), start(), start()];
  for (let kill = 0; kill < kills; kill++) {
    const [victim] = running.splice(randomInt(running.length), 1);
    await victim?.reaches(randomInt(1, 60));
    victim?.process.kill('SIGKILL');
    await victim?.ended;
    if (kill < kills - 3) running.push(start());
    else if (running.length === 0) break;
  }
  await Promise.all(all.map(({ process: child, ended }) => (child.kill('SIGKILL'), ended)));
  expect(all.map(({ process: { signalCode } }) => signalCode)).toEqual(all.map(() => 'SIGKILL'));
  const report = await verify(path);
  expect(report.findings).toEqual([]);
  // Each was stopped, and that is said; a line may be torn.
  const noEnd = report.notes.filter((note) => note.includes('has no end'));
  expect(noEnd).toHaveLength(all.length);
  expect(report.notes.filter((note) => !note.includes('has no end') && !/^line \d+ ends within/.test(note))).toEqual(
    [],
  );
  const there = await requestsIn(path);
  expect(new Set(there).size).toBe(there.length);
  const found = new Set(there);
  expect(all.flatMap(({ acknowledged }) => acknowledged).filter((id) => !found.has(id))).toEqual([]);
});
