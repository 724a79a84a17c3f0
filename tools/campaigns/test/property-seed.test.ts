import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { usePropertySeed } from '../src/property-seed.ts';

function values(): number[] {
  const seen: number[] = [];
  fc.assert(fc.property(fc.integer(), (value) => void seen.push(value)));
  return seen;
}

it('repeats the values of a property by its seed', async () => {
  const before = fc.readConfigureGlobal();
  onTestFinished(() => fc.configureGlobal(before));
  await usePropertySeed('1572092257');
  const first = values();
  expect(values()).toEqual(first);
  await usePropertySeed('-7');
  expect(values()).not.toEqual(first);
});
