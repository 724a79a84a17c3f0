import { constants, type Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushFolder, SecureStoreError } from '@securestore/core-format';
import { errnoOf, fileError, unfit } from './file-errors.ts';
import { readTips } from './file-tips.ts';
import { textOf } from '../sink/header-first.ts';
import type { AuditLine, Sink, SinkStart } from '../sink/sink.ts';

const FLAGS: number =
  constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Mode bits: executable, or writable by others than the owner. */
const UNFIT_MODE = 0o7133;
const LINE_END = 0x0a;
/** How often a file may vanish below one write. */
const TRIES = 5;

/** The file that is open, as it was last seen. */
interface OpenLog {
  readonly handle: FileHandle;
  size: number;
  /** Whether the header of this segment is in it. */
  begun: boolean;
  /** Whether its last line has no end: a process was stopped there. */
  torn: boolean;
}

/** How much of a write is done, so that trying it again repeats no line. */
interface Progress {
  readonly lines: readonly AuditLine[];
  next: number;
}

const isSame = (a: Stats, b: Stats): boolean => a.ino === b.ino && a.dev === b.dev;

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws SecureStoreError `INTEGRITY` for a file that must not be used as a log */
function check(path: string, stats: Stats): void {
  if (!stats.isFile()) throw unfit(path, 'the path is not a regular file');
  if (stats.nlink > 1) throw unfit(path, 'the file has several names (hard links)');
  if (process.platform !== 'win32' && (stats.mode & UNFIT_MODE) !== 0) {
    throw unfit(path, 'the file is executable, or can be written by others than its owner; its mode must be 600');
  }
}

async function endsWithin(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== LINE_END;
}

function lineEnds(bytes: Buffer, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LINE_END); at >= 0 && at < end; at = bytes.indexOf(LINE_END, at + 1)) count++;
  return count;
}

async function syncFolder(path: string): Promise<void> {
  // There a folder can't be opened, and needs no such thing.
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}

class FileSink implements Sink {
  readonly name: string;
  readonly #path: string;
  #start: SinkStart | undefined;
  #log: OpenLog | undefined;
  #progress: Progress | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, name: string) {
    this.#path = path;
    this.name = name;
  }

  tips(): ReturnType<typeof readTips> {
    return readTips(this.#path);
  }

  start(start: SinkStart): void {
    this.#start = start;
  }

  write(lines: readonly AuditLine[]): Promise<void> {
    const written = this.#write(lines);
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    // No caller waits for it any more, but it would open the file again.
    await this.#writing;
    try {
      await this.#log?.handle.sync();
    } finally {
      await this.#leave();
    }
  }

  async #write(lines: readonly AuditLine[]): Promise<void> {
    if (this.#progress?.lines !== lines) this.#progress = { lines, next: 0 };
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        if (await this.#append(this.#progress)) return;
        this.#progress.next = 0;
      }
    } catch (error) {
      throw fileError(this.#path, error);
    }
    throw new SecureStoreError('UNAVAILABLE', `${this.#path}: another program deletes the file again and again`);
  }

  /** @returns whether the lines are in a file that is still there */
  async #append(progress: Progress): Promise<boolean> {
    const log = await this.#current();
    const { durable = false, header } = this.#start ?? {};
    while (!log.begun || progress.next < progress.lines.length) {
      const before = log.begun || header === undefined ? [] : [header];
      const text = (log.torn ? '\n' : '') + textOf([...before, ...progress.lines.slice(progress.next)]);
      const bytes = Buffer.from(text);
      const { bytesWritten } = await log.handle.write(bytes);
      if (bytesWritten === 0) throw new SecureStoreError('UNAVAILABLE', `${this.#path}: the file takes no bytes`);
      const whole = lineEnds(bytes, bytesWritten) - (log.torn ? 1 : 0);
      log.torn = bytes[bytesWritten - 1] !== LINE_END;
      progress.next += Math.max(0, whole - before.length);
      if (whole > 0) log.begun = true;
    }
    if (durable) await log.handle.sync();
    const stats = await log.handle.stat();
    log.size = stats.size;
    if (stats.nlink > 0) return true;
    await this.#deleted();
    return false;
  }

  /** The file at the path: the same as before, or another one if that was renamed, deleted or cut. */
  async #current(): Promise<OpenLog> {
    const log = this.#log;
    if (log === undefined) return this.#open();
    const [stats, there] = await Promise.all([log.handle.stat(), statOf(this.#path)]);
    if (stats.nlink === 0) {
      await this.#deleted();
      return this.#open();
    }
    if (there === undefined || !isSame(stats, there)) {
      // Rotated: what was written stays where it is now.
      await this.#leave();
      return this.#open();
    }
    check(this.#path, stats);
    if (stats.size < log.size) {
      this.#start?.notice(`its file was cut from ${log.size} to ${stats.size} bytes`);
      log.begun = false;
      log.torn = await endsWithin(log.handle, stats.size);
    }
    log.size = stats.size;
    return log;
  }

  async #deleted(): Promise<void> {
    this.#start?.notice('its file was deleted, and all that was in it; a new one is begun');
    await this.#leave();
  }

  async #leave(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.handle.close();
  }

  async #open(): Promise<OpenLog> {
    for (let tries = 0; tries < TRIES; tries++) {
      const handle = await open(this.#path, FLAGS, 0o600);
      const log = await this.#look(handle).catch(async (error: unknown) => {
        await handle.close();
        throw error;
      });
      if (log !== undefined) return (this.#log = log);
      await handle.close();
    }
    throw new SecureStoreError('UNAVAILABLE', `${this.#path}: another program moves the file again and again`);
  }

  /** @returns `undefined` if it lies at the path no more: then it may have another name, which is not known */
  async #look(handle: FileHandle): Promise<OpenLog | undefined> {
    const stats = await handle.stat();
    const there = await statOf(this.#path);
    if (there === undefined || !isSame(stats, there)) return undefined;
    check(this.#path, stats);
    if (this.#start?.durable === true) await this.#makeNameDurable(stats);
    return { handle, size: stats.size, begun: false, torn: await endsWithin(handle, stats.size) };
  }

  /** Whoever has begun the file may have waited for nothing. Of a file that others made, this user may not see the folder. */
  async #makeNameDurable({ size }: Stats): Promise<void> {
    const folder = dirname(this.#path);
    await (size === 0 ? syncFolder(folder) : flushFolder(folder));
  }
}

/**
 * Appends lines of JSON to a file, which is made for its owner alone. Any number of processes may write one file. A file that is renamed
 * (rotated) is followed by a new one; one that is deleted or cut short as well, and that is told. Links, hard links, special
 * files, and files that may be run or written by others are refused.
 *
 * @param name for messages and counters; default `file`
 */
export function fileSink(path: string, name = 'file'): Sink {
  return new FileSink(path, name);
}
