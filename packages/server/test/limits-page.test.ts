import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { resolveLimits } from '../src/limits/limits.ts';

const page = await readFile(new URL('../../../docs/reference/configuration.md', import.meta.url), 'utf8');

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  TiB: 1024 ** 4,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
};

it('the page of the limits has all of them, with their defaults', () => {
  const [, section = ''] = /^## Limits of a server$([^]*?)^## /m.exec(page) ?? [];
  const rows = section.matchAll(/^- `(\w+)` \(default ([\d,]+) ?(\w*)\)/gm);
  const said = [...rows].map(([, name, number = '', unit = '']) => [
    name,
    Number(number.replaceAll(',', '')) * (UNITS[unit] ?? Number.NaN),
  ]);
  expect(Object.fromEntries(said)).toEqual(resolveLimits());
});
