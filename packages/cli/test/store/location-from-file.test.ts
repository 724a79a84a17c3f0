import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { isSameLocation } from '../../src/store/location-from-file.ts';

it.each([
  ['sqlite:./vault.db', `sqlite:${resolve('vault.db')}`, true],
  ['file:vault', `file:${resolve('vault')}`, true],
  ['file:vault', `sqlite:${resolve('vault')}`, false],
  ['file:./vault', 'file:./vault2', false],
  ['https://a.example', 'https://a.example', true],
  ['https://a.example', 'https://b.example', false],
  ['s3://bucket/a', 's3://bucket/./a', false],
])('%s and %s are the same place: %s', (one, other, expected) => {
  expect(isSameLocation(one, other)).toBe(expected);
  expect(isSameLocation(other, one)).toBe(expected);
});
