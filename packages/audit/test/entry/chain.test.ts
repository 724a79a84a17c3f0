import { createHmac } from 'node:crypto';
import type { AuditLink } from '@securestore/core-format';
import { decodeAuditHeader, encodeAuditEntry } from '@securestore/core-format';
import { label, openSealed } from '@securestore/crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Chain } from '../../src/index.ts';
import { newAuditor, newStore, plainEntry, START, testRandom, writeSegment } from '../support/world.ts';
import type { TestStore } from '../support/world.ts';

let store: TestStore;
beforeAll(async () => {
  store = await newStore(await newAuditor());
});

const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest();

const start = (previous: readonly AuditLink[] = [], random = testRandom('chain')): Promise<Chain> => {
  const { nameKey: _, ...basis } = store.basis;
  return Chain.start({ ...basis, previous, random, started: START });
};

const link = (id: number, count = id): AuditLink => ({ segment: Buffer.alloc(16, id), count, mac: Buffer.alloc(32) });

describe('a chain', () => {
  it('[A-05] is what the format says, under a first key that the auditor opens', async () => {
    const chain = await start();
    const { header, bytes, mac } = chain.header;
    let key = await openSealed(store.auditor.privateKey, header.sealedKey);
    if (key === undefined) throw new Error('it does not open');
    expect(mac).toEqual(hmac(key, label('audit start'), bytes));
    let previous = mac;
    let sequence = 0;
    for (const [batch, length] of [1, 3, 2].entries()) {
      const given = Array.from({ length }, (_, index) => plainEntry(sequence + index));
      for (const [index, entry] of chain.append(given).entries()) {
        const number = Buffer.alloc(8);
        number.writeBigUInt64BE(BigInt(++sequence));
        const encoded = encodeAuditEntry({ ...plainEntry(sequence - 1), sequence });
        previous = hmac(key, label('audit entry'), header.segment, number, previous, encoded);
        expect(entry, `${index}`).toEqual({
          entry: { ...plainEntry(sequence - 1), sequence },
          bytes: encoded,
          batch,
          mac: previous,
        });
      }
      key = hmac(key, label('audit next'));
    }
    expect(chain.end).toEqual({ segment: header.segment, count: 6, mac: previous });
  });

  it('makes no batch of nothing, since no batch may be empty', async () => {
    const chain = await start();
    expect(chain.append([])).toEqual([]);
    expect(chain.append([plainEntry(0)])).toMatchObject([{ batch: 0 }]);
    expect(chain.append([plainEntry(1)])).toMatchObject([{ batch: 1 }]);
  });

  it('can’t be gone on with once its key is wiped', async () => {
    const chain = await start();
    chain.wipe();
    expect(() => chain.append([plainEntry(0)])).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('keeps no random bytes that it was given', async () => {
    const given: Buffer[] = [];
    const random = testRandom('kept');
    const chain = await start([], (length) => {
      const bytes = random(length);
      given.push(bytes);
      return bytes;
    });
    expect(given[0]).toEqual(Buffer.alloc(32));
    expect(chain.append([plainEntry(0)])).toHaveLength(1);
  });

  it('names each end of other segments once, in their order, and the last 64 of them', async () => {
    for (const links of [
      [link(9), link(3), link(9, 10), link(3)],
      [link(9, 10), link(3), link(9)],
    ]) {
      const { previous } = (await start(links)).header.header;
      expect(previous.map(({ count }) => count)).toEqual([3, 9, 10]);
    }
    const many = Array.from({ length: 70 }, (_, index) => link(index));
    const { bytes } = (await start(many)).header;
    expect(decodeAuditHeader(bytes).header.previous.map(({ count }) => count)).toEqual(
      many.slice(6).map(({ count }) => count),
    );
  });

  it('is another one each time', async () => {
    const [a, b] = [await writeSegment(store, 1), await writeSegment(store, 1, { seed: 'b' })];
    expect(a.header).not.toBe(b.header);
    expect(a.entries[0]?.mac).not.toEqual(b.entries[0]?.mac);
  });
});
