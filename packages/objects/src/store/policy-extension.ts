import type { KeyObject } from 'node:crypto';
import { parseStoreKey } from '@securestore/core-format';
import { commitHead } from '../engine/commit-head.ts';
import type { HeadEdit } from '../head/head-edit.ts';
import { checkOwner, ownerKeys } from '../head/unlock/owner-keys.ts';
import { bringAccess, bringAccessSoon } from '../maintenance/keys/rekey-replicas.ts';
import { NO_OPTIONS } from '../api/operations.ts';
import type { CallOptions } from '../api/types.ts';
import { ExtensionArea } from './extension.ts';

/** What is to take the place of a policy. */
export interface NextPolicy {
  readonly policy: Uint8Array;
  /**
   * When the destinations of backups are to have it: `now` if it takes access away, since a restore would give it back; `soon`,
   * which is not waited for, if a restore of before would miss something that was given. By default with the next backup.
   */
  readonly bring?: 'now' | 'soon' | undefined;
}

/** What became of changing a policy. */
export interface PolicyChanged {
  /** Whether it was changed. */
  readonly changed: boolean;
  /** The destinations of backups to which it was to be written, and could not be. It is tried again. */
  readonly pending: readonly string[];
}

/**
 * Who may do what with the store, as bytes that the engine keeps and does not understand: `@securestore/acl` does. They are
 * sealed, and the signed head names them, so that every change is one change of the head.
 */
export class PolicyObject extends ExtensionArea {
  /**
   * As it is known now, the caller's to leave unchanged; `undefined` if there never was one. The same as long as nothing changes.
   *
   * @throws SecureStoreError `ACCESS_DENIED` if the store was opened by a member, who can't read it; `LOCKED` if the slot that opened the
   *   store is gone: then a newer policy can't be read
   */
  get current(): Uint8Array | undefined {
    const { monitor } = this.engine;
    checkOwner(monitor.state);
    monitor.checkFollowing();
    return monitor.state.policy;
  }

  /** The generation of the head that is known: with every change of keys, policy or settings it grows. */
  get generation(): number {
    return this.state.head.generation;
  }

  /**
   * Makes sure that {@link current} is not older than five seconds. `undefined` if that is so; else a promise to await.
   *
   * @throws SecureStoreError `UNAVAILABLE` if the head of the store can't be confirmed or the store has been closed,
   *   `ROLLBACK`, `INTEGRITY`, `LOCKED`
   */
  confirm(signal?: AbortSignal): Promise<void> | undefined {
    this.parts.calls.checkOpen();
    const { monitor } = this.engine;
    const confirmed = monitor.acknowledge(signal);
    if (confirmed !== undefined) return confirmed.then(() => monitor.checkFollowing());
    monitor.checkFollowing();
    return undefined;
  }

  /** Looks for a newer one. @throws as {@link confirm} */
  async refresh(signal?: AbortSignal): Promise<void> {
    this.parts.calls.checkOpen();
    await this.engine.monitor.refresh(signal);
  }

  /**
   * The key under which API tokens are hashed. It is the same for as long as the store lives.
   *
   * @throws SecureStoreError `ACCESS_DENIED` if the store was opened by a member
   */
  get tokenKey(): KeyObject {
    return ownerKeys(this.state).apiTokens;
  }

  /** The names of the categories of the store. */
  get categories(): readonly string[] {
    return this.state.categories.names;
  }

  /** The name of the category that an object of this name belongs to. @throws SecureStoreError `INVALID_KEY` */
  categoryOf(key: string): string {
    const { categories } = this.state;
    return categories.nameOf(categories.idOf(parseStoreKey(key)));
  }

  /**
   * Replaces it. In this process that counts at once, in the others within five seconds.
   *
   * @param operation what this is called in errors
   * @param next is given what there is, and is asked again if another change comes first; `undefined` if nothing is to
   *   be changed
   * @returns whether it was, and where copies of the store do not know of it
   * @throws SecureStoreError what `next` throws, `CONFLICT` if others come first again and again, `LOCKED`
   */
  change(
    operation: string,
    next: (current: Uint8Array | undefined) => NextPolicy | undefined,
    options?: CallOptions,
  ): Promise<PolicyChanged> {
    let bring: NextPolicy['bring'];
    const plan = (current: Uint8Array | undefined): HeadEdit | undefined => {
      const planned = next(current);
      bring = planned?.bring;
      return planned && { policy: planned.policy };
    };
    return this.parts.calls.administrative(operation, options, NO_OPTIONS, async (signal) => {
      const changed = await commitHead(this.engine, { signal }, async ({ policy }) => plan(policy));
      if (changed && bring === 'soon') bringAccessSoon(this.engine);
      return { changed, pending: changed && bring === 'now' ? await bringAccess(this.engine, signal) : [] };
    });
  }
}
