import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

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

/** Parts the address of a module from the number of the bug that it was loaded with. */
const NUMBER = '?planted=';

const addressOf = (url: string): string => url.split(NUMBER)[0] ?? url;

/**
 * Plants one bug after the other in this process: after each call, what is imported is loaded once more, with that bug alone.
 * Starting a process for each takes several times as long.
 */
export function plantInTurn(): (bug: SourceChange) => void {
  let count = 0;
  const planted: SourceChange[] = [];
  const addresses = new Map<string, string>();
  const texts = new Map<string, string>();
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const { parentURL = '' } = context;
      const parent = addressOf(parentURL);
      const wanted = `${parent} ${specifier}`;
      const known = addresses.get(wanted);
      const resolved = known === undefined ? nextResolve(specifier, { ...context, parentURL: parent }) : { url: known };
      // Libraries are shared: they have no bug, and know nothing of what uses them.
      if (!resolved.url.endsWith('.ts')) return resolved;
      addresses.set(wanted, resolved.url);
      const number = parentURL.split(NUMBER)[1] ?? count;
      return { url: `${resolved.url}${NUMBER}${number}`, format: 'module-typescript', shortCircuit: true };
    },
    load(url, context, nextLoad) {
      const [address = url, number] = url.split(NUMBER);
      if (number === undefined) return nextLoad(url, context);
      const bug = planted[Number(number) - 1];
      const isChanged = bug !== undefined && sourceOf(bug).href === address;
      const source = isChanged ? stripTypeScriptTypes(edited(sourceAt(address), bug)) : textOf(address);
      return { format: 'module', source, shortCircuit: true };
    },
  });
  function textOf(address: string): string {
    const before = texts.get(address);
    if (before !== undefined) return before;
    const text = stripTypeScriptTypes(sourceAt(address));
    texts.set(address, text);
    return text;
  }
  return (bug) => {
    count = planted.push(bug);
  };
}

function sourceAt(address: string): string {
  return readFileSync(fileURLToPath(address), 'utf8');
}
