import type { ObjectBody, RecordHeader } from '@securestore/core-format';
import { decodeObjectBody, objectName, parseStoreKey, splitRecord } from '@securestore/core-format';
import { openRecord } from '@securestore/crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { failure, openAt, patterned } from '../support/stores.ts';
import type { Workshop } from '../support/workshop.ts';
import { forge, resign, workshop } from '../support/workshop.ts';

// This release does not have the later suite, so a blob of it can be described and not made: what is asked of it shows which
// suite a reader would have used, and what a writer makes of it.

const LATER_SUITE = 3;
const DATA = patterned(100_000);

interface Opened {
  readonly header: RecordHeader;
  readonly body: ObjectBody;
}

async function openedAt({ backend, state, locate }: Workshop, key: string): Promise<Opened> {
  const found = await backend.read(objectName(locate(key).token));
  if (found === undefined) throw new Error(`nothing at ${key}`);
  const { primary } = state.keys.category(state.categories.idOf(parseStoreKey(key)));
  const record = splitRecord(found.body);
  return { header: record.header, body: decodeObjectBody(openRecord(record, primary)) };
}

/** Seals the record of a blob anew, saying that the blob is of `suite`. */
async function claim(shop: Workshop, key: string, suite: number): Promise<Opened> {
  const { header, body } = await openedAt(shop, key);
  if (body.payload.kind !== 'blob') throw new Error('no blob');
  const claimed = { ...body, payload: { ...body.payload, suite } };
  await forge(shop, key, { header, body: claimed });
  return { header, body: claimed };
}

async function withBlob(): Promise<Workshop> {
  const shop = await workshop();
  await shop.store.store('big', DATA);
  return shop;
}

/** A store whose head accepts a suite that this release doesn't have, with a blob that is said to be of it. */
async function ofLaterRelease(): Promise<{ shop: Workshop; store: ObjectStore; claimed: Opened }> {
  const shop = await withBlob();
  const claimed = await claim(shop, 'big', LATER_SUITE);
  await resign(shop, { suites: [1, LATER_SUITE] });
  return { shop, claimed, store: await openAt(shop.place) };
}

describe('the suite that a body states for its blob', () => {
  it('is that under which the blob was sealed', async () => {
    const shop = await withBlob();
    expect((await openedAt(shop, 'big')).body.payload).toMatchObject({ kind: 'blob', suite: 1 });
    await claim(shop, 'big', 1);
    expect(DATA.equals((await shop.store.retrieve('big')).data)).toBe(true);
  });

  it('[B-06] is refused where the head does not accept it, also where the blob is not read', async () => {
    const shop = await withBlob();
    const other = fc.nat({ max: 255 }).filter((suite) => suite !== 1);
    await fc.assert(
      fc.asyncProperty(other, async (suite) => {
        await claim(shop, 'big', suite);
        for (const call of [
          () => shop.store.retrieve('big'),
          () => shop.store.info('big'),
          () => shop.store.setMetadata('big', {}),
        ]) {
          expect((await failure(call(), 'INTEGRITY')).message).toContain('suite of its blob');
        }
        await claim(shop, 'big', 1);
      }),
      { numRuns: 20 },
    );
  });

  it('[L-09] decides how the blob is opened, not the suite of the record', async () => {
    const { store, claimed } = await ofLaterRelease();
    expect(claimed.header.suite).toBe(1);
    expect((await store.info('big')).size).toBe(DATA.length);
    expect((await failure(store.retrieve('big'), 'FORMAT_VERSION')).message).toContain('suite 3');
    expect((await failure(store.retrieveStream('big', { start: 70_000 }), 'FORMAT_VERSION')).message).toContain(
      'suite 3',
    );
  });

  it('[L-07] [L-09] is compared with the header of the blob, which decides nothing', async () => {
    const shop = await withBlob();
    await resign(shop, { suites: [1, LATER_SUITE] });
    const store = await openAt(shop.place);
    const [part] = (await shop.backend.list('b/')).entries;
    if (part === undefined) throw new Error('no part');
    const body = Buffer.from((await shop.backend.read(part.key))?.body ?? []);
    body.writeUInt8(LATER_SUITE, 5);
    await shop.backend.write(part.key, body);
    await failure(store.retrieve('big'), 'INTEGRITY');
  });

  it('[L-10] is kept with key and chunk size where a record is sealed anew', async () => {
    const { shop, store, claimed } = await ofLaterRelease();
    const { payload } = claimed.body;
    const kept = async (): Promise<void> => {
      const { header, body } = await openedAt(shop, 'big');
      expect(header.suite).toBe(1);
      expect(header.commitId).not.toEqual(claimed.header.commitId);
      expect(header.blob).toEqual(claimed.header.blob);
      expect(body.payload).toEqual(payload);
    };
    const { version } = await store.setMetadata('big', { n: 1 });
    await kept();
    await store.store('big', 'small');
    await store.restoreVersion('big', version);
    await kept();
    await store.delete('big');
    await store.undelete('big');
    await kept();
  });
});
