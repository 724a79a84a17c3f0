import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Call as TracedCall, callsOf } from '../../../../tools/campaigns/src/trace/tracer.ts';

const CALLS = 'open,openat,mkdir,mkdirat,rename,renameat,renameat2,fsync,fdatasync';

/** A call that did what it was to do. */
interface Call {
  readonly name: string;
  readonly paths: readonly string[];
  /** The open file or folder of a flush, or the one that was opened. */
  readonly file: string | undefined;
  readonly descriptor: number | undefined;
  /** What makes it. */
  readonly flags: string;
  /** When it began and ended, by the lines of the trace. */
  readonly begun: number;
  readonly ended: number;
}

/** What a process did with files, and of it what a cut of power would have left. */
export class Trace {
  readonly #calls: readonly Call[];

  /** @param log of one process, or of several, one after the other */
  constructor(log: string) {
    this.#calls = resolved(callsOf(log).map(parse));
  }

  /** Each time when the name of a file or folder was made or replaced, by the lines of the trace. */
  madeAt(path: string): readonly number[] {
    return this.#calls.filter((call) => makes(call) === path).map(({ ended }) => ended);
  }

  /** Whether a folder or file was flushed. */
  flushes(path: string): boolean {
    return this.#flushed(path, 0) !== undefined;
  }

  /** When a file, and each folder to it that was made here, was durable; `undefined` if a cut of power at the end could take it away. */
  durableAt(path: string): number | undefined {
    const [renamed] = this.#calls.filter((call) => call.name.startsWith('rename') && makes(call) === path).slice(-1);
    const content = this.#flushed(renamed?.paths[0] ?? path, 0);
    const names = this.nameDurableAt(path);
    return content === undefined || names === undefined ? undefined : Math.max(content, names);
  }

  /** When the name of a file or folder was durable, and each folder to it; see {@link durableAt}. */
  nameDurableAt(path: string): number | undefined {
    const above = dirname(path);
    if (above === path) return 0;
    const made = this.madeAt(path).at(-1);
    const [own, folders] = [made === undefined ? 0 : this.#flushed(above, made), this.nameDurableAt(above)];
    return own === undefined || folders === undefined ? undefined : Math.max(own, folders);
  }

  #flushed(path: string, after: number): number | undefined {
    return this.#calls.find(({ name, file, begun }) => name.startsWith('f') && file === path && begun > after)?.ended;
  }
}

function makes({ name, paths, flags, file }: Call): string | undefined {
  if (name.startsWith('open')) return flags.includes('O_CREAT') ? file : undefined;
  return name.startsWith('f') ? undefined : paths.at(-1);
}

function parse({ name, args, result, begun, ended }: TracedCall): Call {
  const opened = /^(\d+)<(.*)>$/.exec(result);
  const flushed = /^\d+<(.*)>$/.exec(args);
  return {
    name,
    paths: [...args.matchAll(/"([^"]*)"/g)].map(([, path = '']) => path.replace(/(?<=.)\/$/, '')),
    file: opened?.[2] ?? flushed?.[1],
    descriptor: opened === null ? undefined : Number(opened[1]),
    flags: args,
    begun,
    ended,
  };
}

/** Exports reach folders through their descriptors. */
function resolved(calls: readonly Call[]): Call[] {
  const held = new Map<string, string>();
  return calls.map((call) => {
    const through = (path: string): string =>
      path.replace(/^\/proc\/self\/fd\/(\d+)(?=\/|$)/, (all, descriptor: string) => held.get(descriptor) ?? all);
    const paths = call.paths.map(through);
    if (call.descriptor !== undefined && call.file !== undefined) held.set(String(call.descriptor), call.file);
    return { ...call, paths };
  });
}

/** What is done to a process that is traced. */
interface Tracing {
  /** A fault, as the tracer takes it: it may end the process. */
  readonly inject?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a module of TypeScript. @returns its trace */
export function trace(program: string, args: readonly string[], { inject, env = {} }: Tracing = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-trace-'));
  const log = join(folder, 'log');
  // On the packages as bundled when the tests began: the tracer stops at each of the many files of the sources.
  const node = [process.execPath, '--no-warnings', program, ...args];
  const fault = inject === undefined ? ['--seccomp-bpf'] : ['-e', `inject=${inject}`];
  const options = ['-f', '-y', '-qq', '-s', '4096', '-e', `trace=${CALLS}`, '-e', 'signal=none', ...fault, '-o', log];
  try {
    const { status, stderr } = spawnSync('strace', [...options, ...node], {
      encoding: 'utf8',
      env: { ...process.env, ...env, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    if (inject === undefined && status !== 0) throw new Error(stderr);
    return readFileSync(log, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
