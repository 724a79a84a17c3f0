import { isDamage, parseStoreKey, tokenOf } from '@securestore/core-format';
import { digestWhole } from '@securestore/crypto';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { RestoreReport } from './restore-store.ts';

/** So many findings, and names, are kept; others are only counted. */
export const MAX_PROBLEMS = 100;

/** An id for a name, always the same: a keyed digest, so that names can't be guessed without the key. */
function idFor({ copy }: OpenedBackup): (name: string) => string {
  const { digest } = copy.state.keys.journal;
  return (name) => digestWhole(digest, Buffer.from(`object of a drill ${name}`)).toString('hex', 0, 8);
}

/** The problems found, without names of objects: a caller who drills a backup may not see them. */
export class Problems {
  readonly list: string[] = [];
  /** The names of objects by the ids in it. */
  readonly names: Record<string, string> = {};
  readonly #idOf: (name: string) => string;
  found = 0;

  constructor(backup: OpenedBackup) {
    this.#idOf = idFor(backup);
  }

  add(message: string): void {
    this.found += 1;
    if (this.list.length < MAX_PROBLEMS) this.list.push(message);
  }

  /** @param name of the object, or of the record if the object is not known */
  addOf(name: string, message: string): void {
    const id = this.#idOf(name);
    if (this.list.length < MAX_PROBLEMS) this.names[id] = name;
    this.add(`object ${id}: ${message}`);
  }
}

/** The objects of which the restore has left something out, since the backup has it damaged or lacks it. */
export class LeftOut {
  readonly #tokens = new Set<string>();
  readonly #backup: OpenedBackup;
  readonly #problems: Problems;

  constructor(backup: OpenedBackup, problems: Problems) {
    this.#backup = backup;
    this.#problems = problems;
  }

  /** @param name of the record at a store's backend */
  add({ name, message }: RestoreReport['failed'][number]): void {
    const token = tokenOf(name);
    if (token === undefined) return this.#problems.add(message);
    this.#tokens.add(token);
    return this.#problems.addOf(this.#keyOf(token) ?? name, message);
  }

  /** @param name of anything that belongs to an object, at a store's backend */
  has(name: string): boolean {
    const token = tokenOf(name);
    return token !== undefined && this.#tokens.has(token);
  }

  /** Whether something of the object under a key was left out. */
  hasKey(key: string): boolean {
    return this.#tokens.has(this.#backup.copy.names.tokenOf(parseStoreKey(key)));
  }

  #keyOf(token: string): string | undefined {
    try {
      return this.#backup.copy.nameIn(token);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }
}
