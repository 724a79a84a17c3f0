import { asBuffer, SecureStoreError } from '../../../../packages/core-format/src/index.ts';
import { Dice } from './dice.ts';
import type { Meter } from './meter.ts';
import { nextInput } from './mutate.ts';
import type { Target } from '../targets/target.ts';

/** What a parser did with an input that it may not do. */
export interface Finding {
  readonly target: string;
  /** With the seed it makes the input again. */
  readonly index: number;
  readonly input: string;
  readonly problem: string;
}

/** The most that a parser may take for buffers: room for the largest counts that it may believe, and some copies. */
export const ALLOWED_BYTES = 64 * 1024;
const ALLOWED_TIMES = 8;

/** The number `index` of the inputs of a target. Anybody who knows the seed makes the same one. */
export function inputOf(target: Target, seed: number, index: number): Buffer {
  return nextInput(new Dice(seed, index), target.seeds);
}

function problemOf(target: Target, input: Buffer): string | undefined {
  try {
    const again = target.parse(input);
    if (again === undefined || asBuffer(again).equals(input)) return undefined;
    return `it serialises to ${Buffer.from(again).toString('hex')}`;
  } catch (error) {
    if (SecureStoreError.is(error)) {
      return target.codes.includes(error.code) ? undefined : `it is refused as ${error.code}: ${error.message}`;
    }
    return `it throws ${String(error)}`;
  }
}

/** Gives one input to a parser. */
export function tryInput(target: Target, seed: number, index: number, meter: Meter): Finding | undefined {
  const input = inputOf(target, seed, index);
  // A parser that writes into what it is given can't be told from one that changes what it gives back.
  const original = Buffer.from(input);
  meter.start();
  let problem = problemOf(target, input);
  const bytes = meter.stop();
  if (bytes > ALLOWED_BYTES + ALLOWED_TIMES * input.length) problem ??= `it takes ${bytes} bytes`;
  if (!input.equals(original)) problem ??= 'it changes its input';
  return problem === undefined ? undefined : { target: target.name, index, input: original.toString('hex'), problem };
}
