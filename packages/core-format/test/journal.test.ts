import { describe, expect, it } from 'vitest';
import type { ConsumerState } from '../src/index.ts';
import {
  decodeConsumer,
  decodeHint,
  decodeWriter,
  encodeConsumer,
  encodeHint,
  encodeWriter,
  HINT_ROOM,
  hintEntryLength,
  MAX_CONSUMER_BYTES,
  MAX_HINT_BYTES,
} from '../src/index.ts';
import { consumers, hints, writers } from './support/arbitraries.ts';
import { itObeysTheCodecLaws } from './support/codec-laws.ts';

const commitId = Buffer.alloc(16, 7);
const refused = (code: 'INTEGRITY' | 'FORMAT_VERSION'): Error => expect.objectContaining({ code });

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(value, at);
  return changed;
}

const cursor = (fill: number): ConsumerState['cursors'][number] => ({
  writer: Buffer.alloc(16, fill),
  next: 5,
  closed: false,
});
const pending = (fill: number): ConsumerState['pending'][number] => ({
  token: 'a',
  commitId: Buffer.alloc(16, fill),
  written: 9,
});

describe('a hint', () => {
  itObeysTheCodecLaws({ values: hints, encode: encodeHint, decode: decodeHint });
  const encoded = encodeHint({ kind: 'hint', generation: 3, entries: [{ token: 'abc', commitId }] });
  const close = encodeHint({ kind: 'close', generation: 3, entries: [] });

  it('[J-01] of an unknown kind, or with entries where none belong and the other way round, is refused', () => {
    expect(() => decodeHint(withByte(encoded, 1, 3))).toThrow(refused('INTEGRITY'));
    expect(() => decodeHint(withByte(encoded, 1, 0))).toThrow(refused('INTEGRITY'));
    expect(() => decodeHint(withByte(encoded, 1, 2))).toThrow(refused('INTEGRITY'));
    expect(() => decodeHint(withByte(close, 1, 1))).toThrow(refused('INTEGRITY'));
  });

  it('[J-01] holds as many bytes as a reader takes, and no more', () => {
    const token = 'a'.repeat(600);
    const count = Math.floor(HINT_ROOM / hintEntryLength(token));
    const entries = Array.from({ length: count }, () => ({ token, commitId }));
    const full = encodeHint({ kind: 'hint', generation: 1, entries });
    expect(decodeHint(full).entries).toHaveLength(count);
    expect(() => encodeHint({ kind: 'hint', generation: 1, entries: [...entries, ...entries] })).toThrow(RangeError);
    expect(() => decodeHint(Buffer.concat([full, Buffer.alloc(MAX_HINT_BYTES)]))).toThrow(refused('INTEGRITY'));
  });

  it('[J-01] that claims more entries than it has room for is refused before any is made', () => {
    const claims = Buffer.from(encoded);
    claims.writeUInt16BE(0xffff, 10);
    expect(() => decodeHint(claims)).toThrow(refused('INTEGRITY'));
  });

  it.each(['', 'a'.repeat(641), 'A', 'a b', 'a\n'])('[J-02] with the token %j is refused', (token) => {
    const bytes = encodeHint({ kind: 'hint', generation: 1, entries: [{ token, commitId }] });
    expect(() => decodeHint(bytes)).toThrow(refused('INTEGRITY'));
  });

  it('[J-05] of another version is refused', () => {
    expect(() => decodeHint(withByte(encoded, 0, 2))).toThrow(refused('FORMAT_VERSION'));
  });
});

describe('the registration of a writer', () => {
  itObeysTheCodecLaws({ values: writers, encode: encodeWriter, decode: decodeWriter });
  const encoded = encodeWriter({ created: 1, floor: 2, ended: true });

  it('[J-03] with a flag other than 0 or 1 is refused', () => {
    expect(() => decodeWriter(withByte(encoded, encoded.length - 1, 2))).toThrow(refused('INTEGRITY'));
  });

  it('[J-05] of another version is refused', () => {
    expect(() => decodeWriter(withByte(encoded, 0, 0))).toThrow(refused('FORMAT_VERSION'));
  });
});

describe('the state of a consumer', () => {
  itObeysTheCodecLaws({ values: consumers, encode: encodeConsumer, decode: decodeConsumer });
  const state: ConsumerState = {
    label: 'checkpoints',
    started: 1,
    since: 2,
    expired: false,
    pass: 'afresh',
    cursors: [],
    pending: [],
  };

  it.each<[string, Partial<ConsumerState>]>([
    ['two cursors of one writer', { cursors: [cursor(1), cursor(1)] }],
    ['cursors out of order', { cursors: [cursor(2), cursor(1)] }],
    ['one commit pending twice', { pending: [pending(1), pending(1)] }],
    ['pending entries out of order', { pending: [pending(2), pending(1)] }],
    ['cursors although it has expired', { expired: true, cursors: [cursor(1)] }],
    ['pending entries although it has expired', { expired: true, pending: [pending(1)] }],
    ['no pass due although it has expired', { expired: true, pass: 'none' }],
    ['a pass due that remembers what was announced although it has expired', { expired: true, pass: 'due' }],
    ['no label', { label: '' }],
    ['too long a label', { label: 'x'.repeat(65) }],
  ])('[J-04] with %s is refused', (_what, changes) => {
    expect(() => decodeConsumer(encodeConsumer({ ...state, ...changes }))).toThrow(refused('INTEGRITY'));
  });

  it('[J-04] of over a mebibyte is refused, and more cursors than it has room for before any is made', () => {
    const encoded = encodeConsumer(state);
    expect(() => decodeConsumer(Buffer.concat([encoded, Buffer.alloc(MAX_CONSUMER_BYTES)]))).toThrow(
      refused('INTEGRITY'),
    );
    const claims = Buffer.from(encoded);
    claims.writeUInt32BE(0xffff_ffff, encoded.length - 8);
    expect(() => decodeConsumer(claims)).toThrow(refused('INTEGRITY'));
  });

  it('[J-03] with a flag other than 0 or 1, or an unknown kind of pass, is refused', () => {
    const encoded = encodeConsumer(state);
    expect(() => decodeConsumer(withByte(encoded, encoded.length - 10, 2))).toThrow(refused('INTEGRITY'));
    expect(() => decodeConsumer(withByte(encoded, encoded.length - 9, 3))).toThrow(refused('INTEGRITY'));
  });

  it('[J-05] of another version is refused', () => {
    expect(() => decodeConsumer(withByte(encodeConsumer(state), 0, 2))).toThrow(refused('FORMAT_VERSION'));
  });
});
