import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckpointEntry, CheckpointPage, CheckpointRoot } from '../../src/index.ts';
import {
  CHECKPOINT_PAGE_OVERHEAD,
  checkpointEntryLength,
  decodeCheckpointPage,
  decodeCheckpointRoot,
  encodeCheckpointPage,
  encodeCheckpointRoot,
  joinCheckpointRoot,
  MAX_CHECKPOINT_PAGE_BYTES,
} from '../../src/index.ts';
import { bytesOf, checkpointEntries, checkpointRoots } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const entry = (token: string, more: Partial<CheckpointEntry> = {}): CheckpointEntry => ({
  token,
  kind: 'object',
  version: 1,
  commit: Buffer.alloc(5, 1),
  digest: Buffer.alloc(32, 2),
  ...more,
});

const page = (firstToken: string, count = 1): CheckpointPage => ({
  firstToken,
  id: Buffer.alloc(32, 3),
  digest: Buffer.alloc(32, 4),
  count,
});

const rootOf = (pages: readonly CheckpointPage[], object: number): CheckpointRoot => ({
  instance: Buffer.alloc(16, 5),
  time: 1,
  floor: 1,
  totals: { object, tombstone: 0, purged: 0 },
  pages,
});

const joined = (root: CheckpointRoot): Buffer => joinCheckpointRoot(encodeCheckpointRoot(root), Buffer.alloc(64, 6));

const refused = (code: string): unknown => expect.objectContaining({ code });

describe('a page of a checkpoint', () => {
  itObeysTheCodecLaws({ values: checkpointEntries, encode: encodeCheckpointPage, decode: decodeCheckpointPage });

  it('[X-01] has entries in the order of their tokens, each once and of a known kind', () => {
    expect(decodeCheckpointPage(encodeCheckpointPage([entry('a'), entry('b')]))).toHaveLength(2);
    for (const entries of [[], [entry('b'), entry('a')], [entry('a'), entry('a')], [entry('')], [entry('A')]]) {
      expect(() => decodeCheckpointPage(encodeCheckpointPage(entries))).toThrow(refused('INTEGRITY'));
    }
    const bytes = encodeCheckpointPage([entry('a')]);
    for (const kind of [0, 4]) {
      bytes.writeUInt8(kind, CHECKPOINT_PAGE_OVERHEAD + 3);
      expect(() => decodeCheckpointPage(bytes)).toThrow(refused('INTEGRITY'));
    }
    expect(() => decodeCheckpointPage(encodeCheckpointPage([entry('a'.repeat(641))]))).toThrow(refused('INTEGRITY'));
  });

  it('[X-02] has at most 256 KiB', () => {
    const entries = Array.from({ length: 10_000 }, (_, n) => entry(`t${String(n).padStart(8, '0')}`));
    const fitting = Math.floor(
      (MAX_CHECKPOINT_PAGE_BYTES - CHECKPOINT_PAGE_OVERHEAD) / checkpointEntryLength(entry('t00000000')),
    );
    expect(decodeCheckpointPage(encodeCheckpointPage(entries.slice(0, fitting)))).toHaveLength(fitting);
    expect(() => decodeCheckpointPage(encodeCheckpointPage(entries.slice(0, fitting + 1)))).toThrow(
      refused('INTEGRITY'),
    );
  });

  it('[X-03] of another format version is FORMAT_VERSION', () => {
    const bytes = encodeCheckpointPage([entry('a')]);
    bytes.writeUInt8(2, 0);
    expect(() => decodeCheckpointPage(bytes)).toThrow(refused('FORMAT_VERSION'));
  });

  it('takes the bytes that its entries say', () => {
    const entries = [entry('a'), entry('bcd')];
    const length = entries.reduce((sum, one) => sum + checkpointEntryLength(one), CHECKPOINT_PAGE_OVERHEAD);
    expect(encodeCheckpointPage(entries)).toHaveLength(length);
  });
});

describe('the root of a checkpoint', () => {
  itObeysTheCodecLaws({
    values: fc.record({ root: checkpointRoots, signature: bytesOf(64) }),
    encode: ({ root, signature }) => joinCheckpointRoot(encodeCheckpointRoot(root), signature),
    decode: (bytes) => {
      const { root, signature } = decodeCheckpointRoot(bytes);
      return { root, signature };
    },
  });

  it('[X-04] names pages in the order of their first tokens, none of them empty, whose counts add up to its totals', () => {
    expect(decodeCheckpointRoot(joined(rootOf([page('a', 2), page('b')], 3))).root.pages).toHaveLength(2);
    expect(decodeCheckpointRoot(joined(rootOf([], 0))).root.pages).toEqual([]);
    for (const root of [
      rootOf([page('a', 2)], 3),
      rootOf([page('b'), page('a')], 2),
      rootOf([page('a'), page('a')], 2),
      rootOf([page('a', 0)], 0),
    ]) {
      expect(() => decodeCheckpointRoot(joined(root))).toThrow(refused('INTEGRITY'));
    }
  });

  it('[X-03] of another format version is FORMAT_VERSION', () => {
    const bytes = joined(rootOf([], 0));
    bytes.writeUInt8(2, 0);
    expect(() => decodeCheckpointRoot(bytes)).toThrow(refused('FORMAT_VERSION'));
  });

  it('is refused before it is made longer than a reader takes', () => {
    const pages = Array.from({ length: 120_000 }, (_, n) => page(`t${String(n).padStart(8, '0')}`));
    expect(() => joined(rootOf(pages, pages.length))).toThrow(refused('TOO_LARGE'));
  });
});
