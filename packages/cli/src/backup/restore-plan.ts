import type { ConflictPolicy, RestoredObject } from 'securestore';
import type { Output } from '../call/output.ts';
import { printable } from '../terminal/terminal-text.ts';

/** So many names of each kind are shown to a person. */
const MAX_SHOWN = 20;

/** What would be done with an object: in JSON, and for people. What stays as it is these are not bothered with. */
const WOULD: Readonly<Record<RestoredObject['type'], readonly [would: string, label?: string]>> = {
  create: ['create', 'new'],
  replace: ['overwrite', 'overwrite'],
  rename: ['rename', 'beside another version'],
  delete: ['delete', 'delete'],
  skip: ['skip', 'leave as it is'],
  unchanged: ['nothing'],
};

/** Said of an object that the store has, and not as the backup has it. */
export const OTHER_VERSION = 'the store has another version';

/** Where nothing says what becomes of another version, the restore would refuse. */
const IN_THE_WAY: readonly [would: string, label: string] = ['conflict', OTHER_VERSION];

/** What would be done is said before the key, and what keeps it from being done after it. */
const lineOf = (label: string, key: string): string =>
  label === OTHER_VERSION ? `${key}: ${label}` : `${label}: ${key}`;

/** Tells what a restore would do with each object. */
export interface RestorePlan {
  /** With JSON it is told at once. */
  readonly onObject: (object: RestoredObject) => Promise<void>;
  /** The first names of each kind, for people. */
  readonly lines: () => string[];
}

/** The objects that a restore has made or replaced, in JSON. */
const MADE: Partial<Readonly<Record<RestoredObject['type'], string>>> = {
  create: 'created',
  replace: 'replaced',
  rename: 'renamed',
};

const RESTORED_AS = 'restored as';

/** The keys that a restore has made, for one whose objects get other keys than they had. */
export function restoredKeys(out: Output): RestorePlan {
  const { add, lines } = namesByLabel([RESTORED_AS]);
  const onObject = async ({ key, type, bytes }: RestoredObject): Promise<void> => {
    const status = MADE[type];
    if (status === undefined) return;
    if (out.json) await out.result({ key, status, bytes }, () => []);
    else add(RESTORED_AS, key);
  };
  return { onObject, lines };
}

/** The first names of each label, as lines. */
function namesByLabel(order: readonly string[]): {
  readonly add: (label: string, key: string) => void;
  readonly lines: () => string[];
} {
  const kinds = new Map<string, { readonly names: string[]; more: number }>();
  const add = (label: string, key: string): void => {
    const kind = kinds.get(label) ?? { names: [], more: 0 };
    kinds.set(label, kind);
    if (kind.names.length < MAX_SHOWN) kind.names.push(key);
    else kind.more += 1;
  };
  const lines = (): string[] =>
    order.flatMap((label) => {
      const { names, more } = kinds.get(label) ?? { names: [], more: 0 };
      const shown = names.toSorted().map((name) => lineOf(label, printable(name)));
      return more === 0 ? shown : [...shown, `${lineOf(label, `… and ${more} more`)}; --json lists all`];
    });
  return { add, lines };
}

/** The plan of a dry run. */
export function restorePlan(out: Output, policy: ConflictPolicy): RestorePlan {
  const order = [...Object.values(WOULD), IN_THE_WAY].flatMap(([, label]) => label ?? []);
  const { add, lines } = namesByLabel(order);
  const onObject = async ({ key, type, bytes }: RestoredObject): Promise<void> => {
    const [would, label] = type === 'skip' && policy === 'fail' ? IN_THE_WAY : WOULD[type];
    if (out.json) return await out.result({ key, would, bytes }, () => []);
    if (label !== undefined) add(label, key);
  };
  return { onObject, lines };
}
