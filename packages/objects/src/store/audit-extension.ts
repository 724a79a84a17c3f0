import type { KeyObject } from 'node:crypto';
import type { AuditLink } from '@securestore/core-format';
import {
  AREAS,
  AUDIT_MODES,
  ID_LENGTH,
  parseAuditName,
  parseStoreKey,
  SecureStoreError,
  SYSTEM_PREFIX_LENGTH,
  TAG_LENGTH,
} from '@securestore/core-format';
import { sealSystemBody, signAs, veilIds } from '@securestore/crypto';
import type { AuditEnd } from '../head/trust/audit-segment-ends.ts';
import { mergeEnds } from '../head/trust/audit-segment-ends.ts';
import type { AuditSettings } from '../maintenance/audit/audit-settings.ts';
import { auditKeysOf, planAudit, planNoAudit, settingsOf, openAuditPart } from '../maintenance/audit/audit-settings.ts';
import { commitHead } from '../engine/commit-head.ts';
import { NO_OPTIONS } from '../api/operations.ts';
import { inTime, stepsInTime } from '../api/timed-call.ts';
import { isMember, ownerKeys } from '../head/unlock/owner-keys.ts';
import { entriesUnder, listPage } from '../util/listing.ts';
import { contextOf } from '../engine/sealed-objects.ts';
import type { CallOptions } from '../api/types.ts';
import { invalid } from '../util/invalid.ts';
import { ExtensionArea } from './extension.ts';

/**
 * The sealed audit log of a store, and what the signed head says of it. What is in it the engine does not
 * understand: `@securestore/audit` does.
 */
export class AuditArea extends ExtensionArea {
  #onClose: (() => Promise<void>) | undefined;
  /** What is being written when the store is closed looks for the ends of others still. */
  #ended = false;

  /** As it is known now; `undefined` if the store is not audited. The same as long as nothing changes. */
  get settings(): AuditSettings | undefined {
    return settingsOf(this.state.head);
  }

  /** The uses of the store that its log cannot hold, since they happen without it: of members, and of backups. */
  get notRecorded(): readonly ('members' | 'backups')[] {
    const { grants, destinations } = this.state.head.references;
    return [
      ...(grants === undefined ? [] : ['members' as const]),
      ...(destinations === undefined ? [] : ['backups' as const]),
    ];
  }

  /** Whether this process can write to the log, which is signed as the store: members can't. */
  get canWrite(): boolean {
    return !isMember(this.state);
  }

  /**
   * To be asked before a log of now or of earlier is read.
   *
   * @throws SecureStoreError `UNSUPPORTED` if there never was one, `ACCESS_DENIED` for a member to whom it was not granted,
   *   `INTEGRITY` if its keys were removed
   */
  checkReadable(): void {
    auditKeysOf(this.state);
  }

  /** As {@link inTime}. */
  inTime<T>(
    operation: string,
    options: CallOptions,
    body: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    return inTime(operation, options, body);
  }

  /** As {@link stepsInTime}. */
  stepsInTime<T>(
    operation: string,
    options: CallOptions,
    body: (signal: AbortSignal | undefined) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    return stepsInTime(operation, options, body);
  }

  /** Id of the store's instance. */
  get instanceId(): Uint8Array {
    return this.state.head.instance;
  }

  /** The public key of the store identity. */
  get identity(): Uint8Array {
    return this.state.head.identity;
  }

  /** The key of the hashes of what is no key of an object, such as prefixes. It is the same for as long as the store lives. @throws as {@link checkReadable} */
  get nameKey(): KeyObject {
    return auditKeysOf(this.state).names;
  }

  /** Hashes of keys of objects, of many in one go; `undefined` for what is no key. @throws as {@link checkReadable} */
  hashNames(names: readonly string[]): (Uint8Array | undefined)[] {
    const { nameIds } = auditKeysOf(this.state);
    const ids = names.map((name) => this.#idOf(name));
    const veiled = veilIds(nameIds, Buffer.concat(ids.filter((id) => id !== undefined)));
    let at = 0;
    return ids.map((id) => id && veiled.subarray(at, (at += ID_LENGTH)));
  }

  #idOf(name: string): Buffer | undefined {
    try {
      return this.engine.names.locate(parseStoreKey(name)).nameId;
    } catch (error) {
      if (SecureStoreError.is(error, 'INVALID_KEY')) return undefined;
      throw error;
    }
  }

  /** Ids of the instances that the store has and had, the present one first. */
  get instanceIds(): readonly Uint8Array[] {
    const { instance, instances = [] } = this.state.head;
    return [instance, ...instances];
  }

  /** The most bytes of one part of the log. */
  get maxPart(): number {
    return this.engine.backend.capabilities.maxBodyBytes - SYSTEM_PREFIX_LENGTH - TAG_LENGTH;
  }

  /** Signs as the store does. @throws SecureStoreError `ACCESS_DENIED` for a member */
  sign(use: string, bytes: Uint8Array): Buffer {
    return signAs(ownerKeys(this.state).identity, use, bytes);
  }

  /** Looks for a newer head. @throws SecureStoreError `UNAVAILABLE`, `ROLLBACK`, `INTEGRITY` */
  async refresh(signal?: AbortSignal): Promise<void> {
    this.parts.calls.checkOpen();
    await this.engine.monitor.refresh(signal);
  }

  /** How far segments went, by the signed head and, last, what is remembered outside the store. */
  async trustedEnds(): Promise<AuditLink[]> {
    return mergeEnds(this.state.head.audit?.ends ?? [], await this.parts.rememberedEnds());
  }

  /** From now on every change of the head says how far `end` is, and the anchor too. */
  follow(end: () => AuditEnd | undefined): void {
    this.engine.audit.end = end;
  }

  /** Has `listener` called when the store is closed, after its last call has ended. */
  onClose(listener: () => Promise<void>): void {
    this.#onClose = listener;
  }

  /** For the store, before it forgets its keys. */
  async close(): Promise<void> {
    try {
      await this.#onClose?.();
    } finally {
      this.#ended = true;
    }
  }

  /** A part of the log sealed for `name`. @throws SecureStoreError `LOCKED` if the slot of this process is gone, and as {@link checkReadable} */
  seal(name: string, plaintext: Uint8Array): Buffer {
    this.engine.monitor.checkFollowing();
    const context = contextOf(this.state, name);
    return sealSystemBody(auditKeysOf(this.state).primary, 'audit', context, plaintext, this.engine.random);
  }

  /**
   * Makes a part durable. It may be asked for again with the same body if it is not known whether it was written.
   *
   * @throws SecureStoreError `CONFLICT` if something else is there, and what the backend throws
   */
  async write(name: string, body: Buffer): Promise<void> {
    const { place } = this.engine;
    if (place === undefined) return this.#writeHere(name, body);
    for (;;) {
      await this.#confirmPlace();
      const { epoch } = place;
      await this.#writeHere(name, body);
      // If the store closed meanwhile, to be opened elsewhere, it may not have been copied along.
      await this.#confirmPlace();
      if (place.epoch === epoch) return;
    }
  }

  /** Makes sure that the store is where it is thought to be. If that can't be determined, the log is still to be written there. */
  async #confirmPlace(): Promise<void> {
    try {
      await this.engine.monitor.acknowledge();
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
    }
  }

  async #writeHere(name: string, body: Buffer): Promise<void> {
    try {
      await this.engine.backend.write(name, body, { ifAbsent: true });
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
      const found = await this.engine.backend.read(name);
      if (found === undefined || !body.equals(found.body)) throw error;
    }
  }

  /** The parts that start with `prefix`: of the newest segment first, and of each in its order. */
  async *names(
    prefix: string = AREAS.audit,
    options: { after?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<string> {
    if (this.#ended) this.parts.calls.checkOpen();
    for await (const { key } of entriesUnder(this.engine.backend, prefix, options)) {
      if (parseAuditName(key) !== undefined) yield key;
    }
  }

  /** One page of the parts that start with `prefix`, in the order of {@link names}: one call to the backend. */
  async page({
    prefix = AREAS.audit,
    after,
    limit,
    signal,
  }: {
    readonly prefix?: string | undefined;
    readonly after?: string | undefined;
    readonly limit?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {}): Promise<{ readonly parts: { readonly name: string; readonly modified: number }[]; readonly next?: string }> {
    if (this.#ended) this.parts.calls.checkOpen();
    const options = { signal, ...(after !== undefined && { after }), ...(limit !== undefined && { limit }) };
    const { entries, more } = await listPage(this.engine.backend, prefix, options);
    const parts = entries.flatMap(({ key, modified }) =>
      parseAuditName(key) === undefined ? [] : [{ name: key, modified }],
    );
    const next = more ? entries.at(-1)?.key : undefined;
    return { parts, ...(next !== undefined && { next }) };
  }

  /** @returns `undefined` if there is none @throws SecureStoreError `INTEGRITY` if it is damaged, as {@link checkReadable}, and what the backend throws */
  async read(name: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    const found = await this.engine.backend.read(name, { signal });
    return found && openAuditPart(this.state, name, found.body);
  }

  /**
   * Switches the audit on, or changes it. In this process that counts at once, in the others within five seconds.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`, `CONFLICT` if others come first again and again, `LOCKED`
   */
  enable({ auditor, mode }: AuditSettings, options?: CallOptions): Promise<void> {
    return this.parts.calls.administrative('audit.enable', options, NO_OPTIONS, async (signal) => {
      if (!AUDIT_MODES.includes(mode)) {
        invalid(`the option "mode" must be ${AUDIT_MODES.join(' or ')}`, 'mode');
      }
      await commitHead(this.engine, { signal }, (state) => planAudit(this.engine, state, { auditor, mode }, signal));
    });
  }

  /** Switches the audit off; the log stays, and what the head says of it. @throws as {@link enable} */
  disable(options?: CallOptions): Promise<void> {
    return this.parts.calls.administrative('audit.disable', options, NO_OPTIONS, async (signal) => {
      await commitHead(this.engine, { signal }, async ({ head }) => planNoAudit(head));
    });
  }
}
