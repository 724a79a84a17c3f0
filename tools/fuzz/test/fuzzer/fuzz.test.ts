import { globSync, readFileSync } from 'node:fs';
import { SecureStoreError } from '@securestore/core-format';
import { loadSuites } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import * as format from '../../../../packages/core-format/src/index.ts';
import { ALLOWED_BYTES, inputOf, tryInput } from '../../src/fuzzer/fuzz.ts';
import { meterBuffers } from '../../src/fuzzer/meter.ts';
import type { Target } from '../../src/targets/target.ts';
import { targets } from '../../src/targets/targets.ts';
import { Watchdog } from '../../src/fuzzer/watchdog.ts';
import { sized } from '../../../campaigns/src/size.ts';

const SEED = 20_261_125;
/** Of `npm run fuzz` a short form, the same in each run. */
const PER_TARGET = sized({ short: 600, full: 5000, torture: 5000 });

await loadSuites([1, 2]);
const all = targets();
const meter = meterBuffers(1024 * 1024);

describe('every parser, given what is nearly right and what is not', () => {
  it.each(all.map((target) => [target.name, target] as const))('%s', (_, target) => {
    const stackTraces = Error.stackTraceLimit;
    // Most inputs end in an error, and nobody looks at where it was made.
    Error.stackTraceLimit = 0;
    const findings = [];
    for (let index = 0; index < PER_TARGET; index++) findings.push(tryInput(target, SEED, index, meter) ?? []);
    Error.stackTraceLimit = stackTraces;
    expect(findings.flat()).toEqual([]);
  });

  it('takes the valid inputs that it begins with', () => {
    for (const { name, seeds, parse } of all) {
      expect(seeds.length, name).toBeGreaterThan(0);
      for (const seed of seeds) expect(() => parse(seed), name).not.toThrow();
    }
  });

  it('is every one: no function of the format that reads is left out', () => {
    const sources = globSync(new URL('../../src/targets/*.ts', import.meta.url).pathname).map((file) =>
      readFileSync(file, 'utf8'),
    );
    const readers = Object.keys(format).filter((name) => /^(decode|split|parse)/.test(name));
    readers.push('readPrinted', 'readIdentityText', 'parseInvitation', 'readRecoveryKit');
    expect(readers.length).toBeGreaterThanOrEqual(20);
    for (const name of readers)
      expect(
        sources.some((source) => source.includes(name)),
        name,
      ).toBe(true);
  });
});

const planted = (parse: Target['parse']): Target => ({
  name: 'planted',
  seeds: [Buffer.from('a valid input')],
  codes: ['INTEGRITY'],
  parse,
});

const inputsOf = (seed: number): string[] =>
  Array.from({ length: 50 }, (_, index) => inputOf(planted(PLANTED.right), seed, index).toString('hex'));

const problemsOf = (parse: Target['parse']): string[] =>
  Array.from({ length: 300 }, (_, index) => tryInput(planted(parse), 1, index, meter)?.problem ?? []).flat();

/** Parsers, most of which are wrong. */
const PLANTED = {
  right: (input: Buffer) => input,
  refuses: () => {
    throw new SecureStoreError('INTEGRITY', 'it is damaged');
  },
  crashes: (input: Buffer) => {
    if (input[0] !== 0x61) throw new RangeError('out of range');
    return input;
  },
  refusesOddly: (input: Buffer) => {
    if (input.length % 2 === 1) throw new SecureStoreError('INTERNAL', 'odd');
    return input;
  },
  cutsOff: (input: Buffer) => Buffer.concat([input.subarray(0, 3), Buffer.alloc(1)]),
  wipes: (input: Buffer) => void input.fill(0),
  believes: (input: Buffer) => (input.length < 4 ? undefined : Buffer.alloc(input.readUInt32BE(0))),
  takesMuch: () => void Buffer.alloc(2 * ALLOWED_BYTES),
} satisfies Record<string, Target['parse']>;

describe('the fuzzing', () => {
  it('makes the same inputs of the same seed, and other ones of another', () => {
    expect(inputsOf(1)).toEqual(inputsOf(1));
    expect(inputsOf(2)).not.toEqual(inputsOf(1));
    expect(new Set(inputsOf(1)).size).toBeGreaterThan(40);
  });

  it('finds nothing where nothing is wrong', () => {
    expect(problemsOf(PLANTED.right)).toEqual([]);
    expect(problemsOf(PLANTED.refuses)).toEqual([]);
  });

  it('finds an error that is none of ours, and one of ours that is not declared', () => {
    expect(problemsOf(PLANTED.crashes)[0]).toMatch('RangeError: out of range');
    expect(problemsOf(PLANTED.refusesOddly)[0]).toMatch('it is refused as INTERNAL');
  });

  it('finds what serialises to other bytes, and what changes its input', () => {
    expect(problemsOf(PLANTED.cutsOff)[0]).toMatch('it serialises to');
    expect(problemsOf(PLANTED.wipes)[0]).toBe('it changes its input');
  });

  it('finds a length that is believed before it is checked', () => {
    expect(problemsOf(PLANTED.believes).join()).toMatch(/a buffer of \d+ bytes/);
    expect(problemsOf(PLANTED.takesMuch)[0]).toMatch(/it takes \d+ bytes/);
  });

  it('tells a parser that hangs from one that goes on', () => {
    const watchdog = new Watchdog(20_000);
    expect(watchdog.look({ target: 1, index: 5 }, 0)).toBe(false);
    expect(watchdog.look({ target: 1, index: 6 }, 19_000)).toBe(false);
    expect(watchdog.look({ target: 1, index: 6 }, 39_000)).toBe(false);
    expect(watchdog.look({ target: 1, index: 6 }, 39_001)).toBe(true);
    expect(watchdog.look({ target: 2, index: 6 }, 40_000)).toBe(false);
  });
});
