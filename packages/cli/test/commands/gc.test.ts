import { expect, it } from 'vitest';
import { keptText } from '../../src/commands/gc.ts';

it('names the destinations that have still to read older versions', () => {
  const kept = { young: 0, unread: 2, newest: 1, recent: 0 };
  const text = (...destinations: string[]): string => keptText({ versions: 2, days: 0 }, kept, destinations);
  const rest = 'a migration or another reader of the journal, 1 among the newest 2 of their objects';
  expect(text()).toBe(`3 older versions would stay: 2 not yet read by a backup, ${rest}`);
  expect(text('file:./a', 's3://b')).toBe(
    `3 older versions would stay: 2 not yet read by a backup to file:./a or s3://b, ${rest}`,
  );
});
