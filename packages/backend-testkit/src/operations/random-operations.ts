import { type RandomBelow, pick, seededRandom } from '../support/random.ts';
import { Contents } from './contents.ts';
import { type Call, type DeleteStep, NOBODYS, type Operation, type WriteStep } from './operation.ts';

const KIB = 1024;
const MIB: number = KIB * KIB;
const LONG_COMPONENT = 'z'.repeat(220);
const LONGEST = [LONG_COMPONENT, ...'123'.split('').map((digit) => digit.repeat(220)), 'e'.repeat(16)].join('/');

/** Few enough that they meet often: names that begin like others, lie below others, or are odd and yet allowed. */
const KEYS: readonly string[] = [
  ...'a a. a.. a./@1 a/b a/b/c a/c a0 a- a_ a~ a@ b/1 b/10 b/2 c - ~ ... ..a .a/.b @/@/@ _/~/- con aux.txt'.split(' '),
  LONG_COMPONENT,
  LONGEST,
];
const PREFIXES: readonly string[] = [
  ...' a a. a/ a/b b/ b/1 nothing . .. ~ @/'.split(' '),
  LONG_COMPONENT,
  LONGEST.slice(0, 300),
];
const MARKS: readonly string[] = [...KEYS, '.', 'a/b/', 'a1', 'b/11', 'zzzz'];

interface Source {
  readonly below: RandomBelow;
  readonly contents: Contents;
  readonly nextId: () => number;
}

/** Operations that follow from the seed alone, so that they are the same for every backend. */
export function randomOperations(seed: number, count: number): Operation[] {
  const below = seededRandom(seed);
  const contents = new Contents();
  let ids = 0;
  const source: Source = { below, contents, nextId: () => ++ids };
  return Array.from({ length: count }, (_, index): Operation => {
    if (index === count >> 1) return { do: 'reopen' };
    const make = pick(below, [write, write, write, write, remove, removeMany, batch, read, read, read, list]);
    return { ...make(source), handle: below(2) === 0 ? 0 : 1 };
  });
}

/** One that holds, one that came too late, one that nobody was given, or none. */
function condition({ below, contents }: Source, key: string): { ifMatch?: number } {
  const current = contents.get(key);
  switch (below(6)) {
    case 0:
    case 1:
      return current === undefined ? {} : { ifMatch: current.id };
    case 2: {
      const ids = contents.ids();
      return { ifMatch: ids.length === 0 ? NOBODYS : pick(below, ids) };
    }
    case 3:
      return below(3) === 0 ? { ifMatch: NOBODYS } : {};
    default:
      return {};
  }
}

function sizeOf(below: RandomBelow): number {
  switch (below(8)) {
    case 0:
      return 0;
    case 1:
      return 1 + below(4);
    case 2:
      return below(10 * KIB);
    case 3:
      return below(12) === 0 ? MIB + below(5 * MIB) : below(100 * KIB);
    default:
      return below(600);
  }
}

function writeStep(source: Source, key: string, size: number): WriteStep {
  const { below, nextId } = source;
  const when = below(5) === 0 ? { ifAbsent: true as const } : condition(source, key);
  return { do: 'write', id: nextId(), key, size, ...when };
}

function write(source: Source): Call {
  const { below, contents } = source;
  const step = writeStep(source, pick(below, KEYS), sizeOf(below));
  if (contents.allows(step)) contents.apply(step);
  return step;
}

function deleteStep(source: Source, key: string): DeleteStep {
  return { do: 'delete', key, ...condition(source, key) };
}

function remove(source: Source): Call {
  const step = deleteStep(source, pick(source.below, KEYS));
  if (source.contents.allows(step)) source.contents.apply(step);
  return step;
}

function removeMany({ below, contents }: Source): Call {
  const keys = KEYS.filter(() => below(12) === 0);
  for (const key of keys) contents.apply({ do: 'delete', key });
  return { do: 'deleteMany', keys };
}

function batch(source: Source): Call {
  const { below, contents } = source;
  const keys = KEYS.filter(() => below(8) === 0);
  const steps = keys.map((key) =>
    below(3) === 0 ? deleteStep(source, key) : writeStep(source, key, below(4) === 0 ? 0 : below(3 * KIB)),
  );
  // As good as every batch of several conditions would fail.
  const kept = below(2) === 0 ? steps.filter((step) => contents.allows(step)) : steps;
  if (kept.every((step) => contents.allows(step))) for (const step of kept) contents.apply(step);
  return { do: 'batch', steps: kept };
}

function read({ below, contents }: Source): Call {
  const key = pick(below, KEYS);
  const size = contents.get(key)?.size ?? 100;
  const offset = (): number => pick(below, [0, 1, below(size + 1), size - 1, size, size + 1, size + below(1000)]);
  const [start, end] = [Math.max(0, offset()), Math.max(0, offset())].toSorted((one, other) => one - other);
  switch (below(6)) {
    case 0:
      return { do: 'read', key, start: start ?? 0 };
    case 1:
      return { do: 'read', key, end: end ?? 0 };
    case 2:
      return { do: 'read', key, start: start ?? 0, end: end ?? 0 };
    case 3:
      return { do: 'read', key, start: start ?? 0, end: start ?? 0 };
    default:
      return { do: 'read', key };
  }
}

function list({ below }: Source): Call {
  const after = below(2) === 0 ? { after: pick(below, MARKS) } : {};
  const limit = below(3) === 0 ? {} : { limit: 1 + below(6) };
  return { do: 'list', prefix: pick(below, PREFIXES), ...after, ...limit };
}
