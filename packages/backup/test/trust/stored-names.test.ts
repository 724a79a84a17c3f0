import { describe, expect, it } from 'vitest';
import { backupKind } from '../../src/api/backup-job.ts';
import { changeRegistry, destinationsIn } from '../../src/trust/registry.ts';

const STORED =
  '{"destinations":[{"registered":1,"id":"00","location":"memory:a","fence":{"number":2,"digest":"","keyId":"01"},"later":3}]}';

describe('the list of destinations in the head of a store', () => {
  it('is read with the URL under the name that it is stored by', () => {
    const fence = { number: 2, digest: '', keyId: '01' };
    expect(destinationsIn(Buffer.from(STORED))).toEqual([
      { registered: 1, id: '00', url: 'memory:a', fence, later: 3 },
    ]);
  });

  it('is written as it was, with what a later release has added', async () => {
    const written: string[] = [];
    const changeDestinations = async (change: (current: Uint8Array) => Uint8Array | undefined): Promise<void> =>
      void written.push(Buffer.from(change(Buffer.from(STORED)) ?? []).toString());
    await changeRegistry({ changeDestinations } as never, (registry) => ({ destinations: [...registry.destinations] }));
    expect(written).toEqual([STORED]);
  });
});

it('the state of a backup job has the URL of its destination as "location"', () => {
  const parameters = { location: 'memory:a', label: '' };
  expect(backupKind({} as never).parse(parameters)).toEqual(parameters);
  expect(() => backupKind({} as never).parse({ url: 'memory:a', label: '' })).toThrow('it has no destination');
});
