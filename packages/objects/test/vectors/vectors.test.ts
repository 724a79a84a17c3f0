import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Vector } from './load.ts';
import { baseOf, loadVectors } from './load.ts';
import type { Reading } from './run.ts';
import { run } from './run.ts';
import { LONG, TORTURE } from '../../../../tools/campaigns/src/size.ts';

const CHUNK = 4096;
/** How far around each border of chunks every byte is read alone, where not all are. */
const NEAR = LONG ? 20 : 4;
const EVERY_BYTE = TORTURE;

/** A range for each byte: near the borders of chunks, and in a full run everywhere. A damaged record may claim any length. */
function* bytewise(length: number): Generator<number> {
  for (let at = 0; at < length;) {
    const inChunk = at % CHUNK;
    const near = EVERY_BYTE || inChunk < NEAR || inChunk >= CHUNK - NEAR;
    const piece = near ? 1 : CHUNK - NEAR - inChunk;
    yield Math.min(piece, length - at);
    at += piece;
  }
}

/** Ranges of lengths that are the same in every run, and other ones for each vector. */
function anyhow(seed: string): Reading {
  return function* pieces(length) {
    let state = createHash('sha256').update(seed).digest().readUInt32BE();
    for (let at = 0; at < length;) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const piece = Math.min(length - at, 1 + (state % 3000));
      yield piece;
      at += piece;
    }
  };
}

/** All ways of reading a vector, or in a short run one of them for every second vector. */
function readingsOf({ name }: Vector, at: number): Reading[] {
  const readings: Reading[] = ['stream', bytewise, anyhow(name)];
  return readings.filter((_, way) => LONG || (at % 2 === 0 && way === (at / 2) % readings.length));
}

async function expectOutcome(vector: Vector, reading: Reading): Promise<void> {
  const { outcome, released, names } = await run(vector, reading);
  expect(outcome, `${vector.name}: ${vector.description}`).toBe(vector.expect);
  // What is read in one piece is given out when all of it is right, or not at all.
  const partly = reading !== 'whole' || vector.expect === 'ok';
  const sha256 = createHash('sha256').update(released).digest('hex');
  if (partly) expect({ bytes: released.length, sha256 }, vector.name).toEqual(vector.released);
  else expect(released.length, vector.name).toBe(0);
  expect(names, vector.name).toEqual(vector.names);
}

const all = loadVectors();

describe.each([...all])('vectors of %s', (_file, vectors) => {
  const retrieved = vectors.filter(({ action }) => action.do === 'retrieve');

  it('give the expected outcome', async () => {
    // A short run reads each vector in one way.
    const otherwise = new Set(LONG ? [] : retrieved.filter((_, at) => at % 2 === 0));
    for (const vector of vectors) if (!otherwise.has(vector)) await expectOutcome(vector, 'whole');
  });

  it('are right without their fault', async () => {
    const seen = new Set<string>();
    for (const vector of vectors) {
      if (vector.fault === undefined) continue;
      const { base, unlock, anchor, action } = vector;
      // Without their faults many are the same.
      const rest = JSON.stringify({ base, unlock, anchor, action });
      if (seen.has(rest)) continue;
      seen.add(rest);
      // Where a fault makes another store, it is the right one's fingerprint that is known without it.
      const { fingerprint } = baseOf(vector);
      const { outcome } = await run({ ...vector, edits: [], fingerprint }, 'whole');
      // A fault may lie in a tombstone.
      const deleted = vector.action.do === 'retrieve' && vector.action.key === 'deleted';
      expect(outcome, vector.name).toBe(deleted ? 'NOT_FOUND' : 'ok');
    }
  });

  if (retrieved.length === 0) return;
  it('release what they may as a stream, byte by byte and in any ranges', async () => {
    for (const [at, vector] of retrieved.entries()) {
      for (const reading of readingsOf(vector, at)) await expectOutcome(vector, reading);
    }
  });
});

describe('the vectors', () => {
  const vectors = [...all.values()].flat();

  it('are many, of both suites and of each kind of outcome', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(150);
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length);
    expect([...new Set(vectors.map(({ base }) => base))].toSorted()).toEqual(['mixed', 'plain', 'suite-1', 'suite-2']);
    const outcomes = ['FORMAT_VERSION', 'INTEGRITY', 'INVALID_ARGUMENT', 'INVALID_KEY', 'KEY_DESTROYED', 'LOCKED'];
    expect([...new Set(vectors.map(({ expect: outcome }) => outcome))].toSorted()).toEqual([
      ...outcomes,
      'NOT_FOUND',
      'ROLLBACK',
      'UNLOCK_FAILED',
      'ok',
    ]);
  });

  it.each(['suite-1', 'suite-2'])('open a slot of each method in %s, and say who is refused', (base) => {
    const methods = (outcome: string): string[] => {
      const found = vectors.filter((vector) => vector.base === base && vector.expect === outcome);
      return [...new Set(found.flatMap(({ unlock }) => unlock?.method ?? []))].toSorted();
    };
    const every = ['keyFile', 'keyWrapper', 'passphrase', 'rawKey', 'recipient', 'recoveryCode', 'shares'];
    expect(methods('ok')).toEqual(every);
    expect(methods('UNLOCK_FAILED')).toEqual(base === 'suite-1' ? every : ['keyWrapper', 'recipient']);
  });
});
