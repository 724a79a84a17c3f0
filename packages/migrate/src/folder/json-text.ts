import { SecureStoreError } from '@securestore/core-format';
import type { FileEntries, FileEntry } from './file-format.ts';
import { readJsonObject } from './json-reader.ts';

/**
 * Values by the parts of their names, as the objects of JSON have them. Nearly all places have no part below them, or one: a map for each
 * would be gigabytes for a file of names with hundreds of parts.
 */
interface Tree {
  value: string | undefined;
  /** How many values there are of this name. */
  times: number;
  /** The part below it, if there is one. */
  part: string | undefined;
  below: Tree | undefined;
  /** The parts below it, if there are several. */
  parts: Map<string, Tree> | undefined;
}

function newTree(): Tree {
  return { value: undefined, times: 0, part: undefined, below: undefined, parts: undefined };
}

function partsOf({ part, below, parts }: Tree): Iterable<readonly [string, Tree]> {
  return parts ?? (part === undefined || below === undefined ? [] : [[part, below]]);
}

function placeBelow(tree: Tree, part: string): Tree {
  if (tree.parts === undefined && tree.part === part && tree.below !== undefined) return tree.below;
  const found = tree.parts?.get(part);
  if (found !== undefined) return found;
  const made = newTree();
  if (tree.parts === undefined && tree.below === undefined) {
    tree.part = part;
    tree.below = made;
    return made;
  }
  tree.parts ??= new Map(partsOf(tree));
  tree.parts.set(part, made);
  return made;
}

/** The place of what a name leads to, which may have several parts. */
function placeOf(tree: Tree, name: string): Tree {
  let at = tree;
  for (const part of name.split('/')) at = placeBelow(at, part);
  return at;
}

function put(place: Tree, value: string): void {
  place.value = value;
  place.times += 1;
}

function refused(name: string, code: 'INVALID_ARGUMENT' | 'INVALID_KEY', message: string): FileEntry {
  return { name, error: new SecureStoreError(code, message) };
}

function entryOf(name: string, value: string, times: number): FileEntry {
  if (times > 1) return refused(name, 'INVALID_ARGUMENT', `the file has ${times} values of this name`);
  if (value.isWellFormed()) return { name, value };
  return refused(name, 'INVALID_ARGUMENT', 'the text has half of a surrogate pair, which UTF-8 cannot represent');
}

/** (No generator in a generator: of a name with hundreds of parts each value would pass through hundreds of them.) */
function* entriesOf(root: Tree): Generator<FileEntry> {
  const names: string[] = [];
  const open = [partsOf(root)[Symbol.iterator]()];
  while (open.length > 0) {
    const next = open.at(-1)?.next();
    if (next === undefined || next.done === true) {
      open.pop();
      names.pop();
      continue;
    }
    const [part, below] = next.value;
    names.push(part);
    if (below.value !== undefined) yield entryOf(names.join('/'), below.value, below.times);
    open.push(partsOf(below)[Symbol.iterator]());
  }
}

/**
 * The objects of a JSON file: a text is that text, anything else its JSON. A value in objects within it is named by all names that lead to it,
 * with `/` between.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if it is not a JSON object
 */
export function readJson(text: string): FileEntries {
  const tree = newTree();
  const tooLong: number[] = [];
  let count = 0;
  readJsonObject(text, {
    root: tree,
    below: placeOf,
    found: (place, value) => {
      if (place.times === 0) count += 1;
      put(place, value);
    },
    tooLong: (line) => void tooLong.push(line),
  });
  return {
    count: count + tooLong.length,
    *[Symbol.iterator]() {
      yield* entriesOf(tree);
      for (const line of tooLong) {
        yield refused(`line ${line}`, 'INVALID_KEY', 'the names that lead to the value are too long for a key');
      }
    },
  };
}

function* linesOf(tree: Tree, indent: string): Generator<string> {
  const all = [...partsOf(tree)];
  for (const [at, [part, below]] of all.entries()) {
    const begin = `${indent}${JSON.stringify(part)}: `;
    const end = at === all.length - 1 ? '\n' : ',\n';
    if (below.below === undefined) {
      yield `${begin}${below.value}${end}`;
    } else {
      yield `${begin}{\n`;
      yield* linesOf(below, `${indent}  `);
      yield `${indent}}${end}`;
    }
  }
}

/** The lines of a JSON object. @param values the JSON of each value by its name, of which none is below another one */
export function* jsonLines(values: Iterable<readonly [name: string, json: string]>): Generator<string> {
  const tree = newTree();
  for (const [name, json] of values) put(placeOf(tree, name), json);
  yield '{\n';
  yield* linesOf(tree, '  ');
  yield '}\n';
}
