import type { Dice } from './dice.ts';

const MAX_RANDOM = 200;
const MAX_PIECE = 40;
/** What lengths and counts go wrong at. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff] as const;
const WIDE_EDGES = [...EDGES, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff] as const;

type Mutation = (bytes: Buffer, dice: Dice, seeds: readonly Buffer[]) => Buffer;

const place = (bytes: Buffer, dice: Dice): number => dice.below(bytes.length + 1);

/** Bytes of `bytes` with those from `at` on overwritten, as far as it goes. */
function overwritten(bytes: Buffer, at: number, piece: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  piece.copy(copy, Math.min(at, copy.length));
  return copy;
}

function number(width: number, value: number): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntBE(value % 2 ** (8 * width), 0, width);
  return bytes;
}

const inserted = (bytes: Buffer, at: number, piece: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);

const MUTATIONS: readonly Mutation[] = [
  function flipBits(bytes, dice) {
    const copy = Buffer.from(bytes);
    if (copy.length === 0) return copy;
    for (let flips = 1 + dice.below(4); flips > 0; flips--) {
      const at = dice.below(copy.length);
      copy.writeUInt8(copy.readUInt8(at) ^ (1 << dice.below(8)), at);
    }
    return copy;
  },
  (bytes, dice) => overwritten(bytes, place(bytes, dice), number(1, dice.pick(EDGES))),
  (bytes, dice) => overwritten(bytes, place(bytes, dice), number(2, dice.pick(EDGES))),
  (bytes, dice) => overwritten(bytes, place(bytes, dice), number(4, dice.pick(WIDE_EDGES))),
  function countUpOrDown(bytes, dice) {
    const width = dice.pick([1, 2, 4]);
    if (bytes.length < width) return bytes;
    const at = dice.below(bytes.length - width + 1);
    const value = bytes.readUIntBE(at, width) + dice.pick([-1, 1]);
    return overwritten(bytes, at, number(width, value < 0 ? 2 ** (8 * width) - 1 : value));
  },
  (bytes, dice) => bytes.subarray(0, place(bytes, dice)),
  function leaveOut(bytes, dice) {
    const at = place(bytes, dice);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + dice.below(MAX_PIECE))]);
  },
  (bytes, dice) => inserted(bytes, place(bytes, dice), dice.bytes(1 + dice.below(MAX_PIECE))),
  (bytes, dice) => inserted(bytes, place(bytes, dice), Buffer.alloc(1 + dice.below(MAX_PIECE), dice.pick(EDGES))),
  function repeat(bytes, dice) {
    const from = place(bytes, dice);
    return inserted(bytes, place(bytes, dice), bytes.subarray(from, from + 1 + dice.below(MAX_PIECE)));
  },
  function spliceWithAnother(bytes, dice, seeds) {
    const other = dice.pick(seeds);
    return Buffer.concat([bytes.subarray(0, place(bytes, dice)), other.subarray(place(other, dice))]);
  },
];

/** The next input: valid bytes with a few changes, or any bytes. */
export function nextInput(dice: Dice, seeds: readonly Buffer[]): Buffer {
  if (dice.below(16) === 0) return dice.bytes(dice.below(MAX_RANDOM));
  let bytes = dice.pick(seeds);
  for (let changes = dice.below(4); changes >= 0; changes--) bytes = dice.pick(MUTATIONS)(bytes, dice, seeds);
  return bytes;
}
