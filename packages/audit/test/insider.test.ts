import { createHmac } from 'node:crypto';
import { encodeAuditEntry, encodeAuditHeader, joinAuditHeader } from '@securestore/core-format';
import { identityPublicKey, label, sealTo, signAs } from '@securestore/crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { certifyAuditKey, entryLine, headerLine } from '../src/index.ts';
import type { ChainedEntry } from '../src/index.ts';
import {
  audit,
  newAuditor,
  newSigningKey,
  newStore,
  plainEntry,
  short,
  signer,
  testRandom,
  writeSegment,
} from './support/world.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';
import type { TestStore, Written } from './support/world.ts';

const COUNT = 1000;

let store: TestStore;
let log: Written;
let lines: readonly string[];
/** Another segment of the store. */
let sibling: Written;

beforeAll(async () => {
  store = await newStore(await newAuditor());
  log = await writeSegment(store, COUNT);
  lines = [log.header, ...log.lines];
  sibling = await writeSegment(store, 10, { seed: 'sibling' });
});

/** The same segment under a header that its thief has signed properly. */
async function reheaded(changes: Partial<Written['chain']['header']['header']>): Promise<string> {
  const key = newSigningKey();
  const { instanceId } = store;
  const certificate = await certifyAuditKey(signer(store.key), instanceId, identityPublicKey(key), 1);
  const header = { ...log.chain.header.header, certificate, ...changes };
  const signedBytes = encodeAuditHeader(header);
  const bytes = joinAuditHeader(signedBytes, signAs(key, 'audit header', signedBytes));
  return headerLine({ header, bytes, mac: log.chain.header.mac });
}

const at = (sequence: number): ChainedEntry => {
  const found = log.entries[sequence - 1];
  if (found === undefined) throw new Error('no such entry');
  return found;
};

/** K of a batch, as only he who looks into the process at that time, or the auditor, has it. */
async function keyOf(batch: number): Promise<Buffer> {
  let key: Buffer = testRandom('segment')(32);
  for (let left = batch; left > 0; left--) {
    key = createHmac('sha256', key).update(label('audit next')).digest();
  }
  return key;
}

function forge(key: Buffer, sequence: number, batch: number, previous: Uint8Array): ChainedEntry {
  const { segment } = log.chain.header.header;
  const entry = { ...plainEntry(sequence), principal: 'nobody', sequence };
  const bytes = encodeAuditEntry(entry);
  const number = Buffer.alloc(8);
  number.writeUInt32BE(sequence, 4);
  const input = Buffer.concat([label('audit entry'), segment, number, previous, bytes]);
  return { entry, bytes, batch, mac: createHmac('sha256', key).update(input).digest() };
}

/** The log with entries from `first` on forged under one key. */
function withForged(key: Buffer, first: number, batch: number): string[] {
  const { segment } = log.chain.header.header;
  const forged: string[] = [];
  let mac: Uint8Array = first === 1 ? log.chain.header.mac : at(first - 1).mac;
  for (let sequence = first; sequence <= COUNT; sequence++) {
    const entry = forge(key, sequence, batch, mac);
    mac = entry.mac;
    forged.push(entryLine(segment, entry));
  }
  return [...lines.slice(0, first), ...forged];
}

describe('whoever has every key of the store, and not the auditor’s', () => {
  it('gives a segment another header', async () => {
    for (const changes of [{}, { started: 5 }, { previous: [sibling.chain.end] }]) {
      expect(short(await audit(store, [await reheaded(changes), ...log.lines]))).toEqual(['edited', 'unverifiable']);
    }
    // What he adds does no harm to what was there.
    expect(short(await audit(store, [await reheaded({}), ...lines]))).toEqual(['edited']);
  });

  it('gives a segment a first key of his own', async () => {
    const sealedKey = await sealTo(store.auditor.publicKey, Buffer.alloc(32, 1));
    expect(short(await audit(store, [await reheaded({ sealedKey }), ...log.lines]))).toEqual([
      'edited',
      'unverifiable',
    ]);
  });

  it('begins a segment of his own with the sealed key of another one', async () => {
    const { sealedKey } = sibling.chain.header.header;
    expect(short(await audit(store, [await reheaded({ sealedKey })]))).toEqual(['edited']);
  });

  // T-AUDIT-04
  it('replaces a segment that a later one follows on', async () => {
    const later = await writeSegment(store, 5, { seed: 'later', previous: [log.chain.end] });
    const all = [...lines, later.header, ...later.lines];
    expect((await audit(store, all)).ok).toBe(true);
    // He begins a segment under the same id with a key of his own, and writes into it what he likes.
    let calls = 0;
    const id = Buffer.from(log.chain.header.header.segment);
    const random = (length: number): Buffer => (++calls === 2 ? id : testRandom('thief')(length));
    const forged = await writeSegment(store, COUNT, { random });
    const replaced = await audit(store, [forged.header, ...forged.lines, later.header, ...later.lines]);
    expect(short(replaced)).toEqual([`replaced ${COUNT}`]);
    const shorter = [forged.header, ...forged.lines.slice(0, 10), later.header, ...later.lines];
    expect(short(await audit(store, shorter))).toEqual([`cut 11-${COUNT}`]);
    const removed = await audit(store, [later.header, ...later.lines]);
    expect(short(removed)).toEqual(['missing']);
    const archived = [log.chain.header.header.segment];
    expect((await audit(store, [later.header, ...later.lines], { archived })).ok).toBe(true);
  });

  it('begins a segment a second time', async () => {
    const id = Buffer.from(log.chain.header.header.segment);
    let calls = 0;
    const random = (length: number): Buffer => (++calls === 2 ? id : testRandom('second')(length));
    const forged = await writeSegment(store, 3, { random });
    expect(short(await audit(store, [...lines, forged.header]))).toEqual(['duplicated']);
    const before = short(await audit(store, [forged.header, ...lines]));
    expect(before).toContain('duplicated');
    expect(before).toContain('edited 1');
  });

  it('replaces everything: only a head tells', async () => {
    const forged = await writeSegment(store, COUNT, { seed: 'all of it' });
    const everything = [forged.header, ...forged.lines];
    expect((await audit(store, everything)).ok).toBe(true);
    expect(short(await audit(store, everything, { heads: [log.chain.end] }))).toEqual(['missing']);
  });

  describe('and the key that the process has at the time', () => {
    it('writes what he likes from then on, as the process could: that can be told from nothing', async () => {
      const { batch } = at(500);
      const begins = log.entries.findIndex((entry) => entry.batch === batch) + 1;
      expect((await audit(store, withForged(await keyOf(batch), begins, batch))).ok).toBe(true);
    });

    // T-AUDIT-04
    it('changes what was written before: it is named', async () => {
      const { batch } = at(500);
      const key = await keyOf(batch);
      for (const first of LONG ? [1, 2, 100, 400] : [1, 100]) {
        // He can neither put them into the batch of their place, whose key is gone, nor skip those between.
        for (const claimed of [batch, at(first).batch, at(first).batch + 1]) {
          const report = await audit(store, withForged(key, first, claimed));
          expect(report.ok).toBe(false);
          expect(short(report)).toContain(`edited ${first}`);
        }
      }
    });

    it('[A-06] skips all batches before: the first entry must be in the first one', async () => {
      const { batch } = at(500);
      const report = await audit(store, withForged(await keyOf(batch), 1, batch));
      expect(short(report)).toContain('edited 1');
      const second = await audit(store, withForged(await keyOf(1), 1, 1));
      expect(short(second)).toContain('edited 1');
    });
  });
});
