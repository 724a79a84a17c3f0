import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inFlight } from '../measure/measure.ts';
import type { Area, Comparison, Contender, Surroundings } from '../measure/model.ts';
import { loadOurs } from '../measure/ours.ts';
import { payloadTable } from '../raw/sqlite.ts';
import { RESTIC, resticProgram } from '../rivals/restic.ts';
import { measuresMemory, timed, type Timed } from '../measure/timed.ts';

const PASSPHRASE = 'correct horse battery staple';
const MEBIBYTE = 1024 * 1024;

/** The same data as files, for restic, and in a store, for ours. */
interface DataSet {
  readonly name: string;
  readonly count: number;
  readonly size: number;
}

interface Prepared {
  readonly folder: string;
  readonly store: string;
}

async function prepare({ name, count, size }: DataSet, scratch: string): Promise<Prepared> {
  const folder = join(scratch, `${name}-files`);
  const file = join(scratch, `${name}.db`);
  const store = `sqlite:${file}`;
  await mkdir(folder, { recursive: true });
  const { createStore, passphrase } = await loadOurs();
  const ours = await createStore(store, { unlock: passphrase(PASSPHRASE), maintenance: false });
  await inFlight(count, 16, async (index) => {
    const data = randomBytes(size);
    await writeFile(join(folder, `object-${index}`), data);
    await ours.store(`object-${index}`, data);
  });
  await ours.close();
  // From the disk, for everybody.
  await using opened = await open(folder);
  await opened.sync();
  return { folder, store };
}

/** The command line as users run it, in a process of its own: with the secret, and all that opening a store takes. */
function securestore(prepared: Prepared, ...args: readonly string[]): Promise<Timed> {
  const program = join(import.meta.dirname, '../../../../packages/cli/dist/main.js');
  const env = { SECURESTORE_PASSPHRASE: PASSPHRASE, SECURESTORE_URL: prepared.store };
  return timed(process.execPath, [program, ...args, '--no-anchor'], env);
}

function restic(program: string, repository: string, ...args: readonly string[]): Promise<Timed> {
  const env = { RESTIC_PASSWORD: PASSPHRASE, RESTIC_REPOSITORY: repository, RESTIC_CACHE_DIR: `${repository}-cache` };
  return timed(program, args, env);
}

type Work = (repository: string) => Promise<Timed>;

/** A contender of a row of times, and of the row of the memory that the same runs took. */
interface Measured {
  readonly time: Contender;
  readonly memory: Contender;
}

/** How long a store has stood, in milliseconds, before a first backup is measured: a change of its head reaches everybody within six seconds. */
const STANDING = 7000;

/** @param before what comes before each sample */
function measured(
  name: string,
  role: Contender['role'],
  folder: string,
  before: (() => Promise<void>) | undefined,
  work: Work,
): Measured {
  const peaks: number[] = [];
  return {
    time: {
      name,
      role,
      async sample() {
        await before?.();
        const { milliseconds, peak } = await work(folder);
        if (peak !== undefined) peaks.push(peak);
        return milliseconds;
      },
    },
    memory: { name, role, sample: () => Promise.resolve(peaks.shift() ?? Number.NaN) },
  };
}

async function* comparisonsOf(
  set: DataSet,
  { scratch }: Surroundings,
  program: string | undefined,
): AsyncGenerator<Comparison> {
  const prepared = await prepare(set, scratch);
  const [own, theirs, copy] = ['ours', 'restic', 'copy'].map((name) => join(scratch, `${set.name}-${name}`)) as [
    string,
    string,
    string,
  ];
  const backup: Work = (repository) => securestore(prepared, 'backup', `file:${repository}`);
  const theirBackup: Work = (repository) => restic(program ?? '', repository, 'backup', '--quiet', prepared.folder);
  const theirFirst: Work = async (repository) => {
    const init = await restic(program ?? '', repository, 'init', '--quiet');
    const { milliseconds, peak } = await theirBackup(repository);
    return { milliseconds: init.milliseconds + milliseconds, peak };
  };
  // What every backup after the first one finds: a store whose journal is on.
  await backup(own);
  const removeOurs = async (): Promise<void> => {
    await securestore(prepared, 'destination', 'remove', `file:${own}`);
    await rm(own, { recursive: true });
    // The next backup would wait for that change of the head.
    await sleep(STANDING);
  };
  const removeTheirs = async (): Promise<void> => {
    await rm(theirs, { recursive: true, force: true });
    await rm(`${theirs}-cache`, { recursive: true, force: true });
  };
  const target = join(scratch, `${set.name}-restored`);
  const clearing =
    (work: Work): Work =>
    async (repository) => {
      await rm(target, { recursive: true, force: true });
      return work(repository);
    };
  const isLarge = set.size >= MEBIBYTE;
  const restored = (kind: string): Work =>
    clearing((repository) => securestore(prepared, 'restore', `file:${repository}`, '--to', `${kind}:${target}`));
  const restoreTheirs: Work = (repository) =>
    restic(program ?? '', repository, 'restore', 'latest', '--quiet', '--target', target);
  const theirRestore = clearing(restoreTheirs);
  const theirDurableRestore = clearing(async (repository) => {
    const { milliseconds } = await restoreTheirs(repository);
    return { milliseconds: milliseconds + (await flush(target)), peak: undefined };
  });
  // The first row leaves what the others work on. `times` as fast as restic is the target.
  const rows: {
    readonly work: string;
    readonly ours: Work;
    readonly theirs: Work;
    readonly anew: boolean;
    readonly times: number;
    readonly raw?: ((prepared: Prepared, to: string) => Contender) | undefined;
    /** What restic takes to leave its work on the disk, as ours does. */
    readonly theirsDurable?: Work;
  }[] = [
    { work: 'first backup', ours: backup, theirs: theirFirst, anew: true, times: 2, raw: copying },
    { work: 'unchanged second run', ours: backup, theirs: theirBackup, anew: false, times: 2 },
    {
      work: 'check of every byte',
      ours: (repository) => securestore(prepared, 'verify', `file:${repository}`),
      theirs: (repository) => restic(program ?? '', repository, 'check', '--read-data', '--quiet'),
      anew: false,
      times: isLarge ? 2 : 1.3,
    },
    {
      work: 'full restore',
      ours: restored('sqlite'),
      theirs: theirRestore,
      anew: false,
      times: isLarge ? 1 : 2,
      raw: isLarge ? writingToTable : undefined,
    },
    // `sqlite:` writes large payloads twice.
    ...(isLarge
      ? [
          {
            work: 'full restore to file:',
            ours: restored('file'),
            theirs: theirRestore,
            theirsDurable: theirDurableRestore,
            anew: false,
            times: 1,
            raw: writing,
          },
        ]
      : []),
  ];
  const size = isLarge ? `${set.size / MEBIBYTE} MiB` : `${set.size / 1024} KiB`;
  for (const row of rows) {
    const contenders = [measured('securestore', 'ours', own, row.anew ? removeOurs : undefined, row.ours)];
    if (program !== undefined)
      contenders.push(measured(RESTIC, 'rival', theirs, row.anew ? removeTheirs : undefined, row.theirs));
    const work = `${row.work}, ${set.count} × ${size}`;
    const targets = (factor: number): Pick<Comparison, 'targets'> =>
      program === undefined ? {} : { targets: [{ bound: 'at most', factor, of: 'the best rival' }] };
    const times = contenders.map(({ time }) => time);
    if (program !== undefined && row.theirsDurable !== undefined)
      times.push(measured(`${RESTIC}, and its files flushed`, 'rival', theirs, undefined, row.theirsDurable).time);
    if (row.raw !== undefined) times.push(row.raw(prepared, copy));
    yield { work, unit: 'ms', contenders: times, ...targets(1 / row.times) };
    if (measuresMemory()) {
      yield {
        work: `memory: ${work}`,
        unit: 'MB',
        contenders: contenders.map(({ memory }) => memory),
        ...targets(1.5),
      };
    }
  }
  for (const folder of [own, theirs, copy, target, prepared.folder]) await rm(folder, { recursive: true, force: true });
}

/** Flushes the files in a folder to the disk. @returns how long that took, in milliseconds */
async function flush(folder: string): Promise<number> {
  const begun = performance.now();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    await using file = await open(join(entry.parentPath, entry.name));
    await file.sync();
  }
  return performance.now() - begun;
}

/** A raw limit: how long `work` takes in a folder where nothing is. */
function rawLimit(name: string, to: string, work: () => Promise<void>): Contender {
  return {
    name,
    role: 'raw',
    async sample() {
      await rm(to, { recursive: true, force: true });
      await mkdir(to);
      const begun = performance.now();
      await work();
      return performance.now() - begun;
    },
  };
}

function copying({ folder }: Prepared, to: string): Contender {
  return rawLimit('cp', to, () => cp(folder, to, { recursive: true }));
}

/** Pieces of a payload, as long as the parts in which a store has it. */
function piecesOf(file: string): AsyncIterable<Buffer> {
  return createReadStream(file, { highWaterMark: 4 * MEBIBYTE });
}

/** Stores as much in a table of SQLite, durably after each piece. */
function writingToTable({ folder }: Prepared, to: string): Contender {
  return rawLimit('stored in a bare table', to, async () => {
    const table = payloadTable(join(to, 'table.db'));
    for (const name of await readdir(folder)) {
      for await (const piece of piecesOf(join(folder, name))) table.append(piece);
    }
    table.close();
  });
}

/** Writes as much to the disk: what was restored is there, and what restic restores may not be yet. */
function writing({ folder }: Prepared, to: string): Contender {
  return rawLimit('written and flushed', to, async () => {
    for (const name of await readdir(folder)) {
      await using file = await open(join(to, name), 'w');
      for await (const piece of piecesOf(join(folder, name))) await file.write(piece);
      await file.sync();
    }
  });
}

/** Backing up, checking and restoring, as whole processes. */
export const backup: Area = {
  title: 'Backup of a store at sqlite: to file:, as whole processes',
  async *comparisons(surroundings) {
    const program = await resticProgram(surroundings.absent);
    if (!measuresMemory()) surroundings.absent({ name: 'peak memory', reason: 'GNU time is not installed' });
    const { scale } = surroundings;
    const small = { name: 'small', count: Math.ceil(10_000 * scale), size: 4096 };
    const large = { name: 'large', count: 4, size: Math.ceil(256 * scale) * MEBIBYTE };
    for (const set of [small, large]) yield* comparisonsOf(set, surroundings, program);
  },
};
