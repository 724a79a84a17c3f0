import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../../../../tools/golden/src/contents.ts';
import { methodOf } from '../../../../tools/golden/src/scenario.ts';
import type { Golden, Secret } from '../../../../tools/golden/src/scenario.ts';
import { memoryPlace, PLACES } from '../support/places.ts';
import type { Place } from '../support/places.ts';
import { openAt, usePlace } from '../support/stores.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

// Stores that earlier releases have made. None is ever made again or removed: see golden/README.md.
const folder = new URL('./', import.meta.url);
const files = globSync('*/*.json', { cwd: folder }).toSorted();

const golden = (file: string): Golden => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden;

function firstOf({ unlock }: Golden): Secret {
  const [first] = unlock;
  if (first === undefined) throw new Error('nothing unlocks it');
  return first;
}

async function putBack({ objects }: Golden, place: Place): Promise<void> {
  const backend = await place.open();
  for (const [name, body] of Object.entries(objects)) await backend.write(name, Buffer.from(body, 'base64'));
  await backend.close();
}

describe('golden stores', () => {
  it('are there for both suites, with encrypted and with plain names', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'format-1/suite-1-encrypted.json',
        'format-1/suite-1-plain.json',
        'format-1/suite-2-encrypted.json',
        'format-1/suite-2-plain.json',
      ]),
    );
  });

  describe.each(files)('%s', (file) => {
    const store = golden(file);

    it('has in it what it is there for', () => {
      const { objects, history, keys } = store.contents;
      expect(Object.keys(objects).length).toBeGreaterThanOrEqual(8);
      expect(objects).toMatchObject({ 'shredded/a': { code: 'KEY_DESTROYED' } });
      expect(history).toMatchObject({ never: { code: 'NOT_FOUND' } });
      expect(history['db/password']).toHaveLength(4);
      expect((keys as unknown[]).length).toBeGreaterThan(4);
      expect(Object.keys(store.objects).filter((name) => name.startsWith('b/'))).not.toEqual([]);
    });

    // In a short run in memory, and in one of the others.
    it.each(PLACES.filter(([name]) => LONG || name !== 'file'))(
      'opens in %s with every object, version and key, and nothing to be found',
      async (_, make) => {
        const place = usePlace(make);
        await putBack(store, place);
        const opened = await openAt(place, { unlock: methodOf(firstOf(store)) });
        // Later releases may tell more.
        expect(await contentsOf(opened, store.others)).toMatchObject(store.contents);
        const report = await opened.verify({ payloads: true });
        expect(report).toMatchObject({ ok: true, findings: [], foreign: [], unreadable: 1 });
        expect(report.baseline).toBeDefined();
      },
    );

    it('has a slot of every method, and those that are bound to no store open none that is not known', async () => {
      const place = usePlace(() => memoryPlace());
      await putBack(store, place);
      const opened = await openAt(place, { unlock: methodOf(firstOf(store)) });
      const methods = (await opened.slots.list()).map(({ method }) => method);
      expect(methods).toEqual(expect.arrayContaining(store.unlock.map(({ method }) => method)));
      expect(methods).toEqual(expect.arrayContaining(['passphrase', 'keyFile', 'rawKey', 'recoveryCode', 'shares']));
      expect(opened.fingerprint).toBe(store.fingerprint);
      await opened.close();
      const unbound = store.unlock.filter(({ method }) => method === 'recipient' || method === 'keyWrapper');
      expect(unbound).toHaveLength(2);
      for (const secret of unbound) {
        await expect(openAt(place, { unlock: methodOf(secret) })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      }
    });

    it('is opened by each of its secrets, and takes new objects', async () => {
      const place = usePlace(() => memoryPlace());
      await putBack(store, place);
      const { fingerprint } = store;
      for (const [index, secret] of store.unlock.entries()) {
        const opened = await openAt(place, { unlock: methodOf(secret), fingerprint });
        await opened.store('db/password', `by secret ${index}`);
        expect((await opened.retrieve('db/password')).text()).toBe(`by secret ${index}`);
        await opened.close();
      }
      const again = await openAt(place, { unlock: methodOf(firstOf(store)) });
      expect((await again.history('db/password')).length).toBe(4 + store.unlock.length);
    });
  });
});
