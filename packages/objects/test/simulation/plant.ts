import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** A change of one source file while it is loaded. */
export interface SourceChange {
  readonly name: string;
  /** Relative to `packages/`. */
  readonly file: string;
  /** Texts that occur exactly once in the file, and what takes their place. */
  readonly edits: readonly (readonly [find: string, replace: string])[];
}

const sourceOf = ({ file }: SourceChange): URL => new URL(`../../../${file}`, import.meta.url);

/** @throws Error where the change can't be made any more, since the source has changed */
export function checkFits(bug: SourceChange): void {
  edited(readFileSync(sourceOf(bug), 'utf8'), bug);
}

function edited(source: string, { name, edits }: SourceChange): string {
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

/** Changes the source in this process, which must not have loaded it yet. */
export function plant(bug: SourceChange): void {
  const file = sourceOf(bug);
  const changed = edited(readFileSync(file, 'utf8'), bug);
  registerHooks({
    load: (url, context, nextLoad) => {
      if (url !== file.href) return nextLoad(url, context);
      return { format: 'module-typescript', source: changed, shortCircuit: true };
    },
  });
}
