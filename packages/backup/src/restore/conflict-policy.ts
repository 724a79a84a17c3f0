import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ObjectInfo, SecureStorage } from '@securestore/objects';
import { mapConcurrently } from '@securestore/objects/internal';
import { isFolder } from './restore-options.ts';
import type { RestoreIntoOptions } from './restore-types.ts';

const MAX_LISTED = 1000;
const MAX_RENAMES = 1000;
const LOOKED_AT_ONCE = 8;

/** Instead of the version of a record that can't be read. */
export const DAMAGED: unique symbol = Symbol('damaged');

/** What is done with one object. */
export type Step =
  | {
      readonly type: 'create' | 'replace' | 'rename';
      readonly info: ObjectInfo;
      readonly to: string;
      /** What is there, and is replaced: that version, or a record that is damaged. */
      readonly before?: Before;
    }
  | { readonly type: 'skip'; readonly info: ObjectInfo; readonly to: string }
  | { readonly type: 'unchanged'; readonly info: ObjectInfo; readonly to: string }
  | { readonly type: 'delete'; readonly to: string; readonly before: string };

/** An object that is to be restored, or whose record the backup has damaged. */
export type Wanted =
  | { readonly key: string; readonly info: ObjectInfo }
  | { readonly key: string; readonly error: SecureStoreError };

export type Before = string | typeof DAMAGED | undefined;

/** Decides how each object is restored, by what the target has. */
export class RestoreSteps {
  readonly #source: SecureStorage;
  readonly #target: SecureStorage;
  readonly #options: RestoreIntoOptions;
  readonly #call: CallOptions;
  /** Names of objects that are there as another version: the first of them. */
  readonly conflicts: string[] = [];

  constructor(source: SecureStorage, target: SecureStorage, options: RestoreIntoOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#call = { signal: options.signal };
  }

  #nameFor(key: string): string {
    const { prefix = '', keys, into } = this.#options;
    if (into === undefined) return key;
    // A single key gets the name itself: the name in front of the whole key would be one that no caller means.
    return keys === undefined || isFolder(into) ? into + key.slice(prefix.length) : into;
  }

  /** What is to be restored. */
  async *wanted(): AsyncGenerator<Wanted> {
    const { keys, prefix = '' } = this.#options;
    const names = keys ?? this.#source.keys(prefix, this.#call);
    for await (const found of mapConcurrently(names, LOOKED_AT_ONCE, async (key) => this.#look(key))) {
      if (found !== undefined) yield found;
    }
  }

  async #look(key: string): Promise<Wanted | undefined> {
    try {
      return { key, info: await this.#source.info(key, this.#call) };
    } catch (error) {
      // The others can still be restored.
      if (SecureStoreError.is(error, 'INTEGRITY')) return { key, error };
      // It had expired, or is in a category that the member was not granted.
      const isHidden = SecureStoreError.is(error, 'NOT_FOUND') || SecureStoreError.is(error, 'ACCESS_DENIED');
      if (isHidden && this.#options.keys === undefined) return undefined;
      if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
      // Advice about an object of a store, such as to undelete it, does not hold for one of a backup.
      throw SecureStoreError.from(error, { message: 'the object does not exist in the snapshot', key, advice: [] });
    }
  }

  /** The deletion of what is there; `undefined` if nothing is. @throws SecureStoreError `CONFLICT` if the record there is damaged */
  async deletionOf(key: string): Promise<Step | undefined> {
    const there = await this.#infoAt(key);
    if (there === DAMAGED)
      throw new SecureStoreError('CONFLICT', `the record of ${JSON.stringify(key)} is damaged. It was not deleted.`, {
        key,
        advice: [{ id: 'repair-object', key }],
      });
    return there && { type: 'delete', to: key, before: there.version };
  }

  async #infoAt(key: string): Promise<ObjectInfo | typeof DAMAGED | undefined> {
    try {
      return await this.#target.info(key, this.#call);
    } catch (error) {
      if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
      if (SecureStoreError.is(error, 'INTEGRITY')) return DAMAGED;
      throw error;
    }
  }

  #noteConflict(key: string): void {
    if (this.conflicts.length < MAX_LISTED) this.conflicts.push(key);
  }

  /** A damaged record can't be compared with the restored version, and its age is not known. */
  async #stepOverDamaged(info: ObjectInfo, to: string): Promise<Step> {
    const { conflict = 'fail' } = this.#options;
    this.#noteConflict(to);
    if (conflict === 'overwrite') return { type: 'replace', info, to, before: DAMAGED };
    if (conflict === 'rename') return { type: 'rename', info, to: await this.#freeName(to) };
    throw new SecureStoreError('CONFLICT', `the record of ${JSON.stringify(to)} is damaged. It was not changed.`, {
      key: to,
      advice: [
        { id: 'repair-object', key: to },
        { id: 'restore-object', key: to },
        { id: 'overwrite-damaged', key: to },
      ],
    });
  }

  /** @throws SecureStoreError `CONFLICT` if the record there is damaged, and the policy neither overwrites nor renames */
  async stepFor(info: ObjectInfo): Promise<Step> {
    const { conflict = 'fail' } = this.#options;
    const to = this.#nameFor(info.key);
    const there = await this.#infoAt(to);
    if (there === undefined) return { type: 'create', info, to };
    if (there === DAMAGED) return this.#stepOverDamaged(info, to);
    // The same version has the same contents everywhere.
    if (there.version === info.version && to === info.key) return { type: 'unchanged', info, to };
    if (await this.#isSame(info, there)) return { type: 'unchanged', info, to };
    this.#noteConflict(to);
    if (conflict === 'overwrite') return { type: 'replace', info, to, before: there.version };
    if (conflict === 'newer' && info.modified > there.modified)
      return { type: 'replace', info, to, before: there.version };
    if (conflict === 'rename') return { type: 'rename', info, to: await this.#freeName(to) };
    return { type: 'skip', info, to };
  }

  /** Whether an object was restored already, by an earlier run: then it is another version of the same content. */
  async #isSame(info: ObjectInfo, there: ObjectInfo): Promise<boolean> {
    if (info.size !== there.size || info.expires?.getTime() !== there.expires?.getTime()) return false;
    if (JSON.stringify(info.metadata) !== JSON.stringify(there.metadata)) return false;
    const { stream } = await this.#source.retrieveStream(info.key, this.#call);
    return this.#target.matches(there.key, stream, this.#call);
  }

  async #freeName(key: string): Promise<string> {
    for (let number = 1; number < MAX_RENAMES; number++) {
      const name = `${key} (restored${number === 1 ? '' : ` ${number}`})`;
      if (!(await this.#target.has(name, this.#call))) return name;
    }
    throw new SecureStoreError('ALREADY_EXISTS', `all ${MAX_RENAMES} names for ${JSON.stringify(key)} are taken`, {
      key,
      advice: [{ id: 'choose-conflict-policy' }],
    });
  }
}
