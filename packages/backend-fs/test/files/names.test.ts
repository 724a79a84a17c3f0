import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filePath, folderPath, parseChild, type Place } from '../../src/files/names.ts';

const component = fc
  .string({ unit: fc.constantFrom(...'abz019.@~_-'.split('')), minLength: 1, maxLength: 6 })
  .filter((text) => text !== '.' && text !== '..');
const key = fc.array(component, { minLength: 1, maxLength: 4 }).map((components) => components.join('/'));

/** The key that a path stands for, found as a listing does. */
function keyOf(path: string): string | undefined {
  const names = path.split('/');
  let place: Place = 'root';
  let found = '';
  for (const [index, name] of names.entries()) {
    const child = parseChild(name, index < names.length - 1, place);
    if (child === undefined) return undefined;
    if (child.kind !== 'shard') found += child.order;
    place = child.kind === 'shard' ? { shard: child.order } : 'folder';
  }
  return found;
}

test('the path of a key stands for that key and for no other', () => {
  fc.assert(fc.property(key, (name) => keyOf(filePath(name)) === name));
});

test('no path leaves the root, has an empty step, or is a folder of another', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const steps = filePath(a).split('/');
      expect(steps.every((step) => step !== '' && step !== '.' && step !== '..')).toBe(true);
      expect(filePath(b).startsWith(`${filePath(a)}/`)).toBe(false);
    }),
  );
});

test('a listing of the folder of a prefix finds what begins with it', () => {
  fc.assert(fc.property(key, key, (a, b) => filePath(`${a}/${b}`).startsWith(folderPath(`${a}/`))));
});

test('the layout is what it was', () => {
  expect(filePath('store')).toBe('store+');
  expect(filePath('o/7k2abc')).toBe('o/+7/7k2abc+');
  expect(filePath('h/7k2./@0f')).toBe('h/+7/7k2.=/@0f+');
  expect(filePath('b/7k2./@blob/000001')).toBe('b/+7/7k2.=/@blob/+0/000001+');
  expect(
    filePath(`o/${'x'.repeat(220)}`)
      .split('/')
      .at(-1),
  ).toHaveLength(221);
});

test.each(['.DS_Store', 'lost+found', 'README.txt', 'Upper+', '+temp', '+', '=', 'x.', 'x=+'])(
  '%s is no key',
  (name) => {
    expect(parseChild(name, false, 'root')).toBeUndefined();
    if (name !== 'x=+') expect(parseChild(name, true, 'root')?.order).not.toBe('x');
  },
);
