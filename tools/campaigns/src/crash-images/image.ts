import { pick, type RandomBelow } from '../../../../packages/backend-testkit/src/support/random.ts';
import { applyEffect, type Disk, type Effect, type Step } from './disk.ts';
import type { Recording } from './recording.ts';

/** What becomes of a change that was not flushed. */
type Fate = 'kept' | 'lost' | 'torn';

/** A folder as a cut of power may leave it. */
export interface Image {
  readonly disk: Disk;
  /** What was acknowledged before. */
  readonly said: readonly string[];
  /** Where the power was cut, and what became of each change that was not flushed. */
  readonly story: string;
}

/** What disks write whole, and what file systems do. */
const BLOCKS = [512, 4096] as const;
/** What was on the disk before where a file grew without its bytes. */
const FILLERS = [0, 0xa5] as const;

const NEITHER = { kept: 1, lost: 1, torn: 1 } as const;
/** How likely each fate is in one image. Images with much lost, and those with much kept, find different faults. */
const ODDS = [
  NEITHER,
  { kept: 9, lost: 1, torn: 0 },
  { kept: 1, lost: 9, torn: 0 },
  { kept: 1, lost: 1, torn: 8 },
] as const;

/**
 * What a file system may leave of a folder if the power is cut right after a step. It keeps no more than POSIX and Linux's fsync(2) promise:
 *
 * - Writes, lengths and times of a file are there once a later `fsync` of that file has ended; `fdatasync` flushes no time. Closing it,
 *   flushing another file, or waiting flushes nothing.
 * - Before that each write is there or not, whatever its order, or torn: some of its blocks of 512 or 4,096 bytes are. A file may have grown
 *   without its bytes; then there are zeros or others in their place. No byte changes next to what was written.
 * - A name that was made, replaced or removed is what it was, or what it became at any of the changes since, until a later `fsync` of its
 *   folder has ended. Flushing the file itself does not count, although ext4 flushes its name with it. The name of a folder is in the folder above.
 * - A rename replaces a name as a whole. Within one folder both names change together. Between two, the new name comes before the old one goes
 *   unless the old one's folder was flushed, so a file may have both.
 *
 * Sources: Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), whose persistence properties differ between file systems in
 * exactly this; Mohan et al., "Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing" (OSDI 2018), for what flushes promise.
 * ext4's `auto_da_alloc`, which flushes files that replace others, is not relied upon.
 *
 * @param point how many of the steps were done
 */
export function imageAt({ before, steps }: Recording, point: number, below: RandomBelow): Image {
  const past = steps.slice(0, point);
  const isDurable = durability(past);
  const isSafe = (step: Step & { type: 'change' }): boolean => step.effects.every((effect) => isDurable(step, effect));
  const fateOf = fates(past.filter((step) => step.type === 'change' && !isSafe(step)).length, below);
  const [block, filler] = [pick(below, BLOCKS), pick(below, FILLERS)];
  const disk = before.copy();
  const story: string[] = [];
  for (const step of past) {
    if (step.type !== 'change') continue;
    if (step.made !== undefined) disk.add(step.made === 'file' ? Buffer.alloc(0) : undefined, step.time);
    const fate = isSafe(step) ? 'kept' : fateOf();
    const partly = step.effects.some((effect) => isDurable(step, effect)) ? ' (the old name)' : '';
    if (!isSafe(step)) story.push(`${fate}${partly}: ${step.text}`);
    for (const effect of step.effects) {
      if (fate === 'kept' || isDurable(step, effect)) applyEffect(disk, effect, step.time);
      else if (fate === 'torn') tear(disk, step.effects, effect, { below, block, filler });
    }
  }
  const said = past.flatMap((step) => (step.type === 'said' ? [step.line] : []));
  const last = past.slice(-5).map(({ text }) => text);
  last.unshift(`acknowledged: ${said.slice(-3).join(', ')}`);
  return {
    disk,
    said,
    story: [`after step ${point} of ${steps.length}:`, ...last, 'not flushed:', ...story].join('\n  '),
  };
}

/** Which effects were durable when the past had ended. */
function durability(past: readonly Step[]): (step: Step, effect: Effect) => boolean {
  const [flushed, timed] = [new Map<number, number>(), new Map<number, number>()];
  for (const step of past) {
    if (step.type !== 'flush') continue;
    for (const map of step.all ? [flushed, timed] : [flushed]) {
      map.set(step.node, Math.max(step.begun, map.get(step.node) ?? 0));
    }
  }
  return (step, effect) => {
    const node = effect.type === 'name' ? effect.folder : effect.node;
    return step.ended < ((effect.type === 'time' ? timed : flushed).get(node) ?? 0);
  };
}

/** All are kept, all are lost, a single one is not as the others, or each by chance. */
function fates(count: number, below: RandomBelow): () => Fate {
  const [rule, one, odds] = [below(6), below(Math.max(count, 1)), pick(below, ODDS)];
  const bag = (Object.keys(NEITHER) as Fate[]).flatMap((fate) => Array.from({ length: odds[fate] }, () => fate));
  let at = 0;
  return () => {
    const isOne = at++ === one;
    if (rule === 0) return isOne ? 'kept' : 'lost';
    if (rule === 1) return isOne ? 'lost' : 'kept';
    return rule === 2 ? 'lost' : pick(below, bag);
  };
}

interface Tearing {
  readonly below: RandomBelow;
  readonly block: number;
  readonly filler: number;
}

/** Of a rename between folders the new name is there, and the old one too. */
function tear(disk: Disk, effects: readonly Effect[], effect: Effect, { below, block, filler }: Tearing): void {
  const [first, second] = effects;
  const isBetween = first?.type === 'name' && second?.type === 'name' && first.folder !== second.folder;
  if (isBetween && effect === first) applyEffect(disk, effect, 0);
  if (effect.type !== 'write') return;
  const { node, at, data } = effect;
  const file = disk.file(node);
  if (below(2) === 0) file.resize(Math.max(file.bytes.length, at + data.length), filler);
  for (let start = 0; start < data.length;) {
    const end = Math.min(data.length, start + block - ((at + start) % block));
    if (below(2) === 0) file.write(at + start, data.subarray(start, end));
    start = end;
  }
}
