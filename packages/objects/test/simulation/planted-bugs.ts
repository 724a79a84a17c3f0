import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { COLLECTION_BUGS } from './bugs/collection.ts';
import { COMMITS_BUGS } from './bugs/commits.ts';
import { FRESHNESS_BUGS } from './bugs/freshness.ts';
import { HISTORIES_BUGS } from './bugs/histories.ts';
import { JOURNAL_BUGS } from './bugs/journal.ts';
import type { Part, Plan } from './plan.ts';
import type { ScenarioName } from './scenario-plans.ts';

/** A change of one file of the engine after which it breaks a promise. */
export interface PlantedBug {
  readonly name: string;
  /** Relative to `packages/`. */
  readonly file: string;
  /** Texts that occur exactly once in the file, and what takes their place. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
  /** Who must take part in a schedule for it to show: others are passed over. */
  readonly part?: Part;
  /** What else must be so, or makes it likely. */
  readonly plan?: (plan: Plan) => boolean;
  /** What must be played for it to show. */
  readonly scenario?: ScenarioName;
}

/**
 * Each takes out one thing that the promises rest on. Most of them can't be replaced from outside of the engine, so the
 * source is changed while it is loaded; a text that is not there any more is an error, so that this list keeps up.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...COMMITS_BUGS,
  ...FRESHNESS_BUGS,
  ...JOURNAL_BUGS,
  ...COLLECTION_BUGS,
  ...HISTORIES_BUGS,
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
