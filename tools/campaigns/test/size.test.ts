import { expect, it } from 'vitest';
import { sizeNamed } from '../src/size.ts';

it('a run is short unless it is told otherwise', () => {
  expect([sizeNamed(undefined), sizeNamed(''), sizeNamed('full'), sizeNamed('torture')]).toEqual([
    'short',
    'short',
    'full',
    'torture',
  ]);
});

it('an unknown size is refused with the known ones', () => {
  expect(() => sizeNamed('long')).toThrow('SECURESTORE_TEST_SIZE must be short, full, torture, got long');
});
