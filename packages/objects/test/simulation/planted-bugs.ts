import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A change of one file of the engine after which it breaks a promise. */
export interface PlantedBug {
  readonly name: string;
  /** Relative to `packages/`. */
  readonly file: string;
  /** Texts that occur exactly once in the file, and what takes their place. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
  /** Whether it takes thousands of schedules to show. */
  readonly rare?: true;
}

/**
 * Each takes out one thing that the promises rest on. Most of them can't be replaced from outside of the engine, so the
 * source is changed while it is loaded; a text that is not there any more is an error, so that this list keeps up.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'the head is never read again',
    file: 'objects/src/freshness.ts',
    edits: [['const age = elapsedSince(this.#confirmed, this.#clock);', 'const age = 0;']],
  },
  {
    name: 'nobody waits for the head',
    file: 'objects/src/freshness.ts',
    edits: [['return age < FRESH_FOR ? undefined : this.#waitFresh(signal);', 'return undefined;']],
  },
  {
    name: 'a read of the head confirms the time at which it ends',
    file: 'objects/src/freshness.ts',
    edits: [
      ['confirmed = begun;\n  }\n\n  async #follow', 'confirmed = instant(this.#clock);\n  }\n\n  async #follow'],
    ],
  },
  {
    name: 'time passes by the wall clock alone',
    file: 'jobs/src/clock.ts',
    edits: [
      ['return Math.max(clock.now() - start.now, clock.uptime() - start.uptime);', 'return clock.now() - start.now;'],
    ],
  },
  {
    name: 'clocks that are far apart are not noticed',
    file: 'objects/src/freshness.ts',
    edits: [['this.#clockDifference > MAX_CLOCK_DIFFERENCE', 'this.#clockDifference > Infinity']],
  },
  {
    name: 'a store that closes meanwhile takes the write',
    file: 'objects/src/commit.ts',
    edits: [['    engine.watcher.checkWritable();\n    return committed', '    return committed']],
  },
  {
    name: 'an unknown outcome is a success',
    file: 'objects/src/commit.ts',
    edits: [
      [
        "if (SecureStoreError.is(error, 'CONFLICT')) throw new LostRace();",
        "if (error.outcome === 'unknown') return { state, header, keys };\n" +
          "    if (SecureStoreError.is(error, 'CONFLICT')) throw new LostRace();",
      ],
    ],
  },
  {
    name: 'a lost race is a success',
    file: 'objects/src/commit.ts',
    edits: [["if (SecureStoreError.is(error, 'CONFLICT')) throw new LostRace();", 'return { state, header, keys };']],
  },
  {
    name: 'a write of unknown outcome is not looked for',
    file: 'objects/src/commit.ts',
    edits: [['if (unknown) doubt = failure;', '']],
  },
  {
    name: 'a write of unknown outcome is looked for only in the current record',
    file: 'objects/src/doubt.ts',
    edits: [
      [
        'if (current.opened !== undefined && isCommit(current.opened.header)) return current.opened;',
        'return current.opened !== undefined && isCommit(current.opened.header) ? current.opened : { current };',
      ],
    ],
  },
  {
    name: 'conditions are not checked',
    file: 'objects/src/commit.ts',
    edits: [['  checkCondition(mutation.condition, current, now);\n', '']],
  },
  {
    name: 'the replaced version is not copied to the history',
    file: 'objects/src/commit.ts',
    edits: [
      ['if (backend.batch !== undefined && backend.capabilities.maxBatch >= 2) {', 'if (backend.batch === null) {'],
      ['const created = await copyToHistory(engine, copyName, copy, current, signal);', 'const created = false;'],
    ],
  },
  {
    name: 'versions do not grow beyond the one before',
    file: 'objects/src/commit.ts',
    edits: [['(before?.version ?? 0) + 1', '0']],
  },
  {
    name: 'a payload is discarded though its record may land',
    file: 'objects/src/mutations.ts',
    edits: [
      ["if (!(SecureStoreError.is(error) && error.outcome === 'unknown')) await discardBlob", 'await discardBlob'],
    ],
  },
  {
    name: 'a purge leaves the history',
    file: 'objects/src/purge.ts',
    edits: [['    await deleteAll(engine, names, signal);\n', '']],
  },
  {
    name: 'a write is left under the key that was replaced meanwhile',
    file: 'objects/src/commit.ts',
    edits: [
      [
        'return committed && (await catchUp(engine, mutation.target, committed, mutation.signal));',
        'return committed;',
      ],
    ],
    rare: true,
  },
  {
    name: 'a rotation does not wait for all processes to follow',
    file: 'objects/src/rekey/rotate.ts',
    edits: [['await engine.watcher.settle(signal);', '']],
    rare: true,
  },
  {
    name: 'what a purge buried is looked for as if it had never been',
    file: 'objects/src/doubt.ts',
    edits: [['if (isPurged(header) && header.version > now * 1000) throw new Purged();', '']],
  },
  {
    name: 'a purge of unknown outcome is repeated',
    file: 'objects/src/purge.ts',
    edits: [['(after === undefined ? undefined : await buriedSince(engine, target, after, signal))', 'undefined']],
    rare: true,
  },
  {
    name: 'a purge of unknown outcome that fails later is reported as failed',
    file: 'objects/src/purge.ts',
    edits: [['throw doubt.after === undefined ? error : undecided(error, signal);', 'throw error;']],
  },
];

function edited(source: string, { name, edits }: PlantedBug): string {
  let changed = source;
  for (const [find, replace] of edits) {
    const [before, after, more] = changed.split(find);
    if (before === undefined || after === undefined || more !== undefined) {
      throw new Error(`the planted bug "${name}" must be adapted: its text is not exactly once in the source`);
    }
    changed = before + replace + after;
  }
  return changed;
}

/** Changes the engine in this process, which must not have loaded it yet. */
export function plant(bug: PlantedBug): void {
  const file = new URL(`../../../${bug.file}`, import.meta.url);
  const changed = edited(readFileSync(fileURLToPath(file), 'utf8'), bug);
  registerHooks({
    load: (url, context, nextLoad) => {
      if (url !== file.href) return nextLoad(url, context);
      return { format: 'module-typescript', source: changed, shortCircuit: true };
    },
  });
}
