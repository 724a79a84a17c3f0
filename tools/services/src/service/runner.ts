import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Place, Service } from './service.ts';

/** How long a server may take until it answers: it takes a second on a quiet machine, and minutes beside all tests. */
const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 30_000;

/** Whom a server runs as. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

async function id(flag: string, user: string): Promise<number> {
  return Number((await promisify(execFile)('id', [flag, user])).stdout);
}

/** The ids of a user of this machine, or those of `nobody`. */
export async function userNamed(name: string): Promise<User> {
  try {
    return { uid: await id('-u', name), gid: await id('-g', name) };
  } catch {
    return { uid: await id('-u', 'nobody'), gid: await id('-g', 'nobody') };
  }
}

/** A server that ended instead of answering: another program may have taken its port. */
export class EndedAtOnce extends Error {}

/** Runs one server in the foreground of a process group of its own. */
export class Runner {
  readonly #service: Service;
  readonly #log: string;
  readonly #options: { cwd: string; uid?: number; gid?: number };
  #server: ChildProcess | undefined;

  constructor(service: Service, folder: string, user: User | undefined) {
    this.#service = service;
    this.#log = join(folder, 'log');
    this.#options = { cwd: folder, ...user };
  }

  /** Runs a program to its end; resolves to its exit code. */
  async run(program: string, args: readonly string[]): Promise<number> {
    const child = this.#spawn(program, args);
    const [code] = (await once(child, 'close')) as [number | null];
    return code ?? 1;
  }

  /** Starts the server and waits until it answers; resolves to its process id. */
  async start(place: Place, more: readonly string[] = []): Promise<number> {
    const [program, ...args] = this.#service.command(place);
    const server = this.#spawn(program, [...args, ...more]);
    this.#server = server;
    for (const begun = performance.now(); !(await this.#service.answers(place)); await sleep(20)) {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new EndedAtOnce(this.#saying('it ended at once'));
      if (performance.now() - begun > START_LIMIT_MS) throw new Error(this.#saying('it does not answer'));
    }
    if (server.pid === undefined) throw new Error('it has no process id');
    server.once('exit', (code, signal) => {
      // The tests that use it fail, and do not know why.
      if (!server.killed) {
        console.error(`services: ${this.#service.name}: ${this.#saying(`it ended by itself (${signal ?? code})`)}`);
      }
    });
    return server.pid;
  }

  /** Ends the server and all its processes in an instant, as by a crash. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
    // It could begin one more while its processes are listed.
    server.kill('SIGSTOP');
    for (let tries = 0; tries < 2000 && (await stateOf(server.pid)) === 'running'; tries++) await sleep(5);
    const children = await childrenOf(server.pid);
    await this.#end('SIGKILL');
    for (const child of children) killIfThere(child);
    // PostgreSQL does not start as long as one of them is still there.
    for (const child of children) while ((await stateOf(child)) !== 'gone') await sleep(5);
  }

  /** Ends the server for good. */
  async stop(): Promise<void> {
    await this.#end(this.#service.stopSignal);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(signal);
    // The group, or processes that it has started would go on for ever.
    const insist = setTimeout(() => server.pid !== undefined && killIfThere(-server.pid), STOP_LIMIT_MS);
    await gone;
    clearTimeout(insist);
  }

  #spawn(program: string, args: readonly string[]): ChildProcess {
    const log = openSync(this.#log, 'a', 0o600);
    try {
      return spawn(program, args, { ...this.#options, stdio: ['ignore', log, log], detached: true });
    } finally {
      closeSync(log);
    }
  }

  #saying(problem: string): string {
    return `${problem}; it said: ${readFileSync(this.#log, 'utf8').trim().slice(-1000)}`;
  }
}

/** The processes that `pid` has started itself, where the system tells. */
async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return list.split(' ').filter(Boolean).map(Number);
}

/** The state of a process, if the system tells; one that only waits to be missed holds nothing any more. */
async function stateOf(pid: number): Promise<'running' | 'stopped' | 'gone'> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [, state = 'X'] = /^.*\) (\S)/s.exec(stat) ?? [];
  if (state === 'Z' || state === 'X') return 'gone';
  return state === 'T' || state === 't' ? 'stopped' : 'running';
}

/** @param pid of a process, or the negative one of a group */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone by itself.
  }
}
