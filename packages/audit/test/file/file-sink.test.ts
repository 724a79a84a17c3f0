import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { mountReadOnly, mountSmall, NO_MOUNTS } from '../../../backend-fs/test/support/mounts.ts';
import { fileSink, tipsIn } from '../../src/index.ts';
import type { AuditEvent } from '../../src/index.ts';
import { actionsOf, endOf, openLog } from '../support/logs.ts';
import type { OpenLog } from '../support/logs.ts';
import { audit, each, newAuditor, newStore, short, testRandom, writeSegment } from '../support/world.ts';
import type { TestStore } from '../support/world.ts';

let store: TestStore;
beforeAll(async () => {
  store = await newStore(await newAuditor());
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let seeds = 0;
/**
 * A log that is written through to `path`. Where that fails it is not closed: it waits for the clock to move, which it never
 * does.
 */
const openFile = (path: string): Promise<OpenLog> =>
  openLog(store, [fileSink(path)], { mode: 'fail-closed', random: testRandom(`file ${seeds++}`) });

const event = (action: string): AuditEvent => ({ action, outcome: 'allowed' });
const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

describe('a file of an audit', () => {
  it('is for its owner alone, and is gone on with by each run', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    for (const action of ['first', 'second']) {
      const { log } = await openFile(path);
      await log.record(event(action));
      await log.close();
    }
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    const report = await audit(store, linesOf(path));
    expect([report.findings, report.notes]).toEqual([[], []]);
    expect(actionsOf(linesOf(path))).toEqual(['first', 'audit.end', 'second', 'audit.end']);
    // The second run has seen the first one: nobody removes or cuts that unnoticed any more.
    const second = linesOf(path).slice(3);
    expect(short(await audit(store, second))).toEqual(['missing']);
    expect(short(await audit(store, [...linesOf(path).slice(0, 2), ...second]))).toEqual(['cut 2']);
  });

  it('is followed by a new one when it is renamed, and both are verified together or each by itself', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const { log, alerts } = await openFile(path);
    await log.record(event('before'));
    renameSync(path, `${path}.1`);
    await log.record(event('after'));
    await log.close();
    expect(actionsOf(linesOf(`${path}.1`))).toEqual(['before']);
    expect(actionsOf(linesOf(path))).toEqual(['after', 'audit.end']);
    const both = await audit(store, [...linesOf(`${path}.1`), ...linesOf(path)]);
    expect([both.findings, both.notes, alerts]).toEqual([[], [], []]);
    expect(short(await audit(store, linesOf(path)))).toEqual(['deleted 1']);
  });

  it('that is deleted is followed by a new one, and both owner and log are told', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const { log, alerts } = await openFile(path);
    await log.record(event('before'));
    rmSync(path);
    await log.record(event('after'));
    await log.close();
    expect(alerts).toMatchObject([{ event: 'notice', what: expect.stringContaining('its file was deleted') }]);
    expect(actionsOf(linesOf(path))).toEqual(['after', 'audit.lost', 'audit.end']);
    expect(short(await audit(store, linesOf(path)))).toEqual(['deleted 1']);
  });

  it('that is replaced by another one is told from it', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const { log } = await openFile(path);
    await log.record(event('before'));
    const copy = readFileSync(path);
    rmSync(path);
    writeFileSync(path, copy, { mode: 0o600 });
    await log.record(event('after'));
    await log.close();
    expect(actionsOf(linesOf(path))).toEqual(['before', 'after', 'audit.lost', 'audit.end']);
    expect((await audit(store, linesOf(path))).findings).toEqual([]);
  });

  it('that is cut short is gone on with, and that is told', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const { log, alerts } = await openFile(path);
    await log.record(event('before'));
    truncateSync(path, 300);
    await log.record(event('after'));
    await log.close();
    expect(alerts).toMatchObject([{ event: 'notice', what: expect.stringMatching(/cut from \d+ to 300 bytes/) }]);
    const report = await audit(store, linesOf(path));
    expect(short(report)).toEqual(['deleted 1']);
    expect(report.notes).toEqual([expect.stringContaining('line 1 ends within a line of segment')]);
  });

  it('that ends within a line is gone on with in a new one', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const crashed = await writeSegment(store, 3);
    const torn = [crashed.header, ...crashed.lines].join('\n').slice(0, -20);
    writeFileSync(path, torn, { mode: 0o600 });
    const { log } = await openFile(path);
    await log.record(event('after'));
    await log.close();
    const report = await audit(store, linesOf(path));
    expect(report.findings).toEqual([]);
    expect(report.notes).toEqual([
      expect.stringContaining('line 4 ends within entry 3 of segment'),
      expect.stringContaining('has no end after entry 2'),
    ]);
  });

  it('that was torn by somebody else meanwhile is read all the same', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const { log } = await openFile(path);
    await log.record(event('before'));
    appendFileSync(path, linesOf(path)[1]?.slice(0, 90) ?? '');
    await log.record(event('after'));
    await log.close();
    const report = await audit(store, linesOf(path));
    expect([short(report), report.notes]).toEqual([[], [expect.stringContaining('line 3 ends within entry 1')]]);
  });

  it('is refused where it is a link, has two names, is no file, may be run, or may be written by others', async () => {
    const folder = newFolder();
    const target = join(folder, 'target');
    const make: Record<string, (path: string) => void> = {
      link: (path) => symlinkSync(target, path),
      'dangling link': (path) => symlinkSync(join(folder, 'nothing'), path),
      'hard link': (path) => linkSync(target, path),
      folder: (path) => mkdirSync(path),
      pipe: (path) => execFileSync('mkfifo', [path]),
      program: (path) => writeFileSync(path, '', { mode: 0o700 }),
      'for the group': (path) => (writeFileSync(path, ''), chmodSync(path, 0o660)),
      'with the id of its owner': (path) => (writeFileSync(path, ''), chmodSync(path, 0o4600)),
    };
    for (const [what, prepare] of Object.entries(make)) {
      writeFileSync(target, 'precious', { mode: 0o600 });
      const path = join(folder, what.replaceAll(' ', '-'));
      prepare(path);
      const { log } = await openFile(path);
      expect(await endOf(log.record(event('a'))), what).toBe('INTEGRITY');
      expect(readFileSync(target, 'utf8'), what).toBe('precious');
      rmSync(path, { recursive: true });
    }
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
  });

  it('is not taken for another file whose second name it was when it was opened', async () => {
    const folder = newFolder();
    for (let turns = 0; turns < 60; turns++) {
      const path = join(folder, `audit-${turns}.jsonl`);
      const target = join(folder, `target-${turns}`);
      writeFileSync(target, 'precious', { mode: 0o600 });
      linkSync(target, path);
      const { log } = await openFile(path);
      const recorded = endOf(log.record(event('a')));
      for (let turn = 0; turn < turns / 4; turn++) await setImmediate();
      rmSync(path);
      if ((await recorded) === 'done') await log.close();
      expect(readFileSync(target, 'utf8'), `${turns}`).toBe('precious');
    }
  });

  it('is left for good once a link takes its place', async () => {
    const folder = newFolder();
    const path = join(folder, 'audit.jsonl');
    writeFileSync(join(folder, 'target'), 'precious');
    const { log } = await openFile(path);
    await log.record(event('before'));
    renameSync(path, `${path}.1`);
    symlinkSync(join(folder, 'target'), path);
    expect(await endOf(log.record(event('after')))).toBe('INTEGRITY');
    rmSync(path);
    expect(await endOf(log.record(event('again')))).toBe('done');
    await log.close();
    expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('precious');
    expect(actionsOf(linesOf(path))).toEqual(['after', 'again', 'audit.end']);
  });

  it('in a folder that is not there, or on a file system that nobody can write, refuses operations', async (context) => {
    const folder = newFolder();
    const { log } = await openFile(join(folder, 'missing', 'audit.jsonl'));
    await expect(log.record(event('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using mount = mountReadOnly(folder);
    const other = await openFile(join(mount.path, 'audit.jsonl'));
    expect(await endOf(other.log.record(event('a')))).toBe('READ_ONLY');
  });

  it('on a full disk refuses operations, and has no hole and no line twice once there is room', async (context) => {
    if (NO_MOUNTS !== undefined) context.skip(NO_MOUNTS);
    using mount = mountSmall(64);
    const path = join(mount.path, 'audit.jsonl');
    const ballast = join(mount.path, 'ballast');
    writeFileSync(ballast, Buffer.alloc(40 * 1024));
    const { log, alerts } = await openFile(path);
    const ends: string[] = [];
    for (let index = 0; index < 200; index++) ends.push(await endOf(log.record(event(`a${index}`))));
    expect(new Set(ends)).toEqual(new Set(['done', 'NO_SPACE']));
    rmSync(ballast);
    await log.record(event('again'));
    await log.close();
    const lines = linesOf(path);
    const report = await audit(store, lines);
    expect(report.findings).toEqual([]);
    expect(report.segments).toMatchObject([{ entries: 202, ended: true }]);
    // The line that found no room is there once in part and once whole.
    expect(report.notes).toEqual([expect.stringContaining('ends within entry')]);
    expect(alerts.map(({ event: what }) => what)).toEqual(['failing', 'recovered']);
  });
});

describe('where segments end', () => {
  it('is found at the end of a log, but for those that another one has named', async () => {
    const [first, second] = [await writeSegment(store, 3), await writeSegment(store, 5, { seed: 'second' })];
    const both = [first.header, second.header, ...first.lines, ...second.lines];
    expect(await tipsIn(each(both))).toEqual([first.chain.end, second.chain.end]);
    const third = await writeSegment(store, 0, { seed: 'third', previous: [first.chain.end] });
    expect(await tipsIn(each([...both, third.header]))).toEqual([second.chain.end, third.chain.end]);
    // The first one went on after it was seen.
    const more = await writeSegment(store, 4);
    expect(await tipsIn(each([...both, third.header, more.lines[3] ?? '', 'x', '{"audit":1,']))).toEqual([
      second.chain.end,
      third.chain.end,
      expect.objectContaining({ count: 4 }),
    ]);
  });

  it('is looked for in the last 256 KiB of a file', async () => {
    const path = join(newFolder(), 'audit.jsonl');
    const long = await writeSegment(store, 1500, { seed: 'long' });
    const last = await writeSegment(store, 2, { seed: 'last' });
    const text = [long.header, ...long.lines, last.header, ...last.lines].map((line) => `${line}\n`).join('');
    writeFileSync(path, text);
    expect(await fileSink(path).tips?.()).toEqual([long.chain.end, last.chain.end]);
    expect(await fileSink(`${path}.none`).tips?.()).toEqual([]);
    writeFileSync(path, '');
    expect(await fileSink(path).tips?.()).toEqual([]);
  });
});
