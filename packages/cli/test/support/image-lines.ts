import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileAnchor, keyFile, openStore } from 'securestore';
import { runHere } from './in-process.ts';

/** A command line, and what must hold of a folder in which it is run. */
export interface ImageLine {
  readonly args: readonly string[];
  /** Secrets that must open the store once so many slots are there: the line writes them before it adds its own slot. */
  readonly opens?: { readonly slots: number; readonly by: readonly string[] };
  /** What it writes, by path: never anything else, and nothing is not enough once it has ended. */
  readonly writes?: Readonly<Record<string, string>>;
  /** A line that must work once this one has ended. */
  readonly proves?: readonly string[];
}

const ONE = 'one\n';
const LARGE = 'large '.repeat(20_000);

/** What is in the folder before. */
export const INPUTS: Readonly<Record<string, string>> = { one: ONE, large: LARGE };

/** Makes a store, and all kinds of files that tell who ran the command that something is safe. */
export function linesIn(root: string): readonly ImageLine[] {
  const at = (name: string): string => join(root, name);
  const exported = { one: ONE, 'deep/large': LARGE };
  return [
    { args: ['init', '--key-file', at('key')], opens: { slots: 1, by: ['--key-file', at('key')] } },
    { args: ['put', 'db/one', at('one')] },
    { args: ['put', 'db/deep/large', at('large')] },
    {
      args: ['slot', 'add', '--new-recovery-code', '--kit', at('kit.txt')],
      opens: { slots: 2, by: ['--recovery-code-file', at('kit.txt')] },
    },
    {
      args: ['slot', 'add', '--new-shares', '2/3', '--kit', at('share.txt')],
      opens: { slots: 3, by: ['--share-file', at('share-3.txt'), '--share-file', at('share-1.txt')] },
    },
    { args: ['get', 'db/deep/large', '-o', at('large.out')], writes: { 'large.out': LARGE } },
    {
      args: ['export', at('out/folder'), '--prefix', 'db/'],
      writes: Object.fromEntries(Object.entries(exported).map(([name, body]) => [`out/folder/${name}`, body])),
    },
    {
      args: ['export', at('all.json'), '--prefix', 'db/'],
      writes: { 'all.json': `${JSON.stringify({ deep: { large: LARGE }, one: ONE }, undefined, 2)}\n` },
    },
    { args: ['identity', 'new', '-o', at('identity')], proves: ['identity', 'show', at('identity')] },
    { args: ['backup', `file:${at('backup')}`], proves: ['verify', `file:${at('backup')}`] },
  ];
}

const text = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

const storeUrlIn = (root: string): string => `file:${join(root, 'above', 'vault')}`;

/** How a line is run in the folder. Its anchors are there too. */
export function inFolder(root: string, args: readonly string[]): readonly string[] {
  const unlock = args.some((arg) => arg.endsWith('-file')) ? [] : ['--key-file', join(root, 'key')];
  return [...args, '--store', storeUrlIn(root), ...unlock];
}

/** A store that is there opens, with what its anchor remembers of it. */
async function slotsIn(root: string): Promise<number> {
  if (!existsSync(join(root, 'above', 'vault', 'store+'))) return 0;
  const anchor = fileAnchor(join(root, 'state', 'securestore'));
  await using store = await openStore(storeUrlIn(root), {
    unlock: keyFile(join(root, 'key')),
    anchor,
    maintenance: false,
  });
  return (await store.slots.list()).length;
}

async function mustWork(root: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runHere(inFolder(root, [...args, '--no-anchor']));
  assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/**
 * Checks that what the lines told of is there, whole, and that no slot is there whose secret is not.
 *
 * @param ended how many lines had ended
 */
export async function checkLines(root: string, ended: number): Promise<void> {
  const lines = linesIn(root);
  const slots = await slotsIn(root);
  for (const [index, { opens, writes = {}, proves }] of lines.entries()) {
    const isDone = index < ended;
    for (const [name, body] of Object.entries(writes)) {
      const found = text(join(root, name));
      assert.ok(
        found === body || (found === undefined && !isDone),
        `${name} is ${found === undefined ? 'lost' : 'torn'}`,
      );
    }
    if (opens !== undefined && isDone) assert.ok(slots >= opens.slots, `the slot of ${opens.by.join(' ')} is lost`);
    if (opens !== undefined && slots >= opens.slots) await mustWork(root, ['ls', ...opens.by]);
    if (proves !== undefined && isDone) await mustWork(root, proves);
  }
}
