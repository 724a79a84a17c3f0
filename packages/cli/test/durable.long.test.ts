import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NO_TRACER } from '../../../tools/campaigns/src/trace/tracer.ts';
import { Trace, trace } from '../../backend-fs/test/support/traced.ts';
import { sandbox } from './support/cli.ts';

const PROGRAM = fileURLToPath(new URL('./support/durable-process.ts', import.meta.url));

test('what a command says that it wrote outlasts a cut of power, and a kit is there before its slot', async ({
  skip,
}) => {
  if (NO_TRACER !== undefined) skip(NO_TRACER);
  const { path, seed } = await sandbox('file');
  await seed({ 'db/a': 'one', 'db/deep/b': 'two' });
  const [vault, key] = [path('vault'), path('credentials', 'securestore-key')];
  const opening = ['--store', `file:${vault}`, '--key-file', key];
  await mkdir(path('found', 'deep'), { recursive: true });
  await writeFile(path('found', 'a'), 'one');
  await writeFile(path('found', 'deep', 'b'), 'two');
  const lines = [
    ['slot', 'add', '--new-recovery-code', '--kit', path('kit.txt')],
    ['slot', 'add', '--new-shares', '2/3', '--kit', path('share.txt')],
    ['slot', 'add', '--new-key-file', path('second.key')],
    ['get', 'db/a', '-o', path('one.txt')],
    ['export', path('out', 'folder'), '--prefix', 'db/'],
    ['export', path('found'), '--prefix', 'db/'],
    ['export', path('all.json'), '--prefix', 'db/'],
  ].map((line) => [...line, ...opening]);
  const traced = new Trace(trace(PROGRAM, [JSON.stringify(lines)], { env: { XDG_STATE_HOME: path('far', 'state') } }));
  const head = traced.madeAt(join(vault, 'store+'));
  for (const [index, kit] of ['kit.txt', 'share-3.txt', 'second.key'].entries()) {
    expect(traced.durableAt(path(kit)), kit).toBeLessThan(head[index] ?? 0);
  }
  const anchors = path('far', 'state', 'securestore');
  const anchor = readdirSync(anchors).find((name) => name.endsWith('.anchor.json')) ?? 'no anchor';
  const kits = ['kit.txt', 'share-1.txt', 'share-2.txt', 'share-3.txt', 'second.key'];
  const exported = ['one.txt', 'all.json', 'out/folder/a', 'out/folder/deep/b'];
  const written = [...kits, ...exported].map((name) => path(name));
  for (const file of [...written, join(anchors, anchor)]) {
    expect(existsSync(file), file).toBe(true);
    expect(traced.durableAt(file), file).toBeDefined();
  }
  // An export before may have been killed before it flushed what this one passes over.
  expect(traced.flushes(path('found'))).toBe(true);
  expect(traced.flushes(path('found', 'deep'))).toBe(true);
});
