import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAt, scratchFolder, utf8 } from '../support/stores.ts';

/** A store, and a folder of whoever uses it that is none of its business. */
async function scene(): Promise<{ root: string; home: string }> {
  const [root, home] = [scratchFolder(), scratchFolder()];
  const backend = await openAt(root);
  await backend.write('store', utf8('1'));
  await backend.close();
  mkdirSync(join(home, 'photos', 'of-2026'), { recursive: true });
  writeFileSync(join(home, 'photos', 'of-2026', 'one.jpg'), 'precious');
  writeFileSync(join(home, 'photos', '1'), 'precious');
  return { root, home };
}

const contents = (home: string): string[] => readdirSync(home, { recursive: true, encoding: 'utf8' }).toSorted();

describe('whoever can write into the folder of a store', () => {
  test('has nothing removed by a link in the place of the folder for temporary files', async () => {
    const { root, home } = await scene();
    const before = contents(home);
    rmSync(join(root, '+temp'), { recursive: true });
    symlinkSync(home, join(root, '+temp'));
    const backend = await openAt(root);
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(contents(home)).toEqual(before);
    rmSync(join(root, '+temp'));
    await backend.write('o/a', utf8('2'));
    expect((await backend.read('o/a'))?.body).toEqual(utf8('2'));
  });

  test('has nothing removed by a link, or by folders of others, in the folder for temporary files', async () => {
    const { root, home } = await scene();
    const before = contents(home);
    symlinkSync(join(home, 'photos'), join(root, '+temp', '0123456789abcdef'));
    mkdirSync(join(root, '+temp', 'abcdef0123456789', 'below'), { recursive: true });
    mkdirSync(join(root, '+temp', 'of-others'));
    writeFileSync(join(root, '+temp', 'of-others', '1'), 'precious');
    const backend = await openAt(root);
    await backend.write('o/a', utf8('2'));
    expect(contents(home)).toEqual(before);
    expect(contents(join(root, '+temp'))).toEqual(expect.arrayContaining(['abcdef0123456789/below', 'of-others/1']));
  });

  test('has no file of others written by a link, and no folder outside opened, by what lies in the place of the note of new folders', async () => {
    const { root, home } = await scene();
    const victim = join(home, 'file');
    writeFileSync(victim, 'precious');
    const note = join(root, '+temp', 'growing');
    symlinkSync(victim, note);
    const backend = await openAt(root);
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'INTEGRITY' });
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    rmSync(note);
    writeFileSync(note, '../\nnowhere/\n/etc/\no');
    await backend.write('o/a', utf8('2'));
    expect(lstatSync(note, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('has no file of others opened or dated by a link in the place of the lock or the clock', async () => {
    const { root, home } = await scene();
    const victim = join(home, 'file');
    writeFileSync(victim, 'not a database');
    utimesSync(victim, 1000, 1000);
    for (const own of ['+clock', '+lock']) {
      rmSync(join(root, own));
      symlinkSync(victim, join(root, own));
    }
    const backend = await openAt(root);
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('symbolic link'),
    });
    rmSync(join(root, '+lock'));
    await backend.write('o/a', utf8('2'));
    expect(statSync(victim).mtimeMs).toBe(1_000_000);
    expect(lstatSync(join(root, '+clock')).isSymbolicLink()).toBe(true);
  });
});
