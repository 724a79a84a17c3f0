import type { KeyObject } from 'node:crypto';
import type { AuditLink, AuditMode } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';

/** How a store is audited. */
export interface AuditSettings {
  /** The auditor's X25519 public key, 32 bytes: only who has its private key can verify the log. */
  readonly auditor: Uint8Array;
  readonly mode: AuditMode;
}

/** How far the clocks of honest processes and of the backend may be apart, in milliseconds. */
export const MAX_CLOCK_DIFFERENCE: number = 10 * 60 * 1000;

/** A part of the log, as a listing shows it. */
export interface AuditPart {
  readonly name: string;
  /** When it was written, in milliseconds since 1970 by the backend's clock. */
  readonly modified: number;
}

/** Which part of the log a page is of. */
export interface AuditPageOptions {
  /** Default: the whole log. */
  readonly prefix?: string | undefined;
  readonly after?: string | undefined;
  /** The most names that the backend is asked for; fewer may come. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one call to the backend says of a log. */
export interface AuditPage {
  readonly parts: readonly AuditPart[];
  /** After which name the next page begins, if there may be one. */
  readonly next?: string | undefined;
}

/** What every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the call fails with `TIMEOUT`. */
  readonly timeout?: number | undefined;
}

/** What a trail needs of a store: `extensionsOf(store).audit` of `@securestore/objects` is one. */
export interface AuditArea {
  /** `undefined` where the store is not audited. The same object as long as nothing changes. */
  readonly settings: AuditSettings | undefined;
  /** The uses of the store that the log cannot hold: of members, and of backups. */
  readonly notRecorded: readonly ('members' | 'backups')[];
  /** Whether this process can write to the log: members can't. */
  readonly canWrite: boolean;
  /**
   * To be asked before a log of now or of earlier is read.
   *
   * @throws SecureStoreError `UNSUPPORTED` where there never was one, `ACCESS_DENIED` for a member to whom it was not granted,
   *   `INTEGRITY` where its keys were removed
   */
  checkReadable(): void;
  /** Runs a call that changes nothing until its signal or its timeout ends it. @throws SecureStoreError `TIMEOUT`, `ABORTED`, `INVALID_ARGUMENT` */
  inTime<T>(operation: string, options: CallOptions, body: (signal: AbortSignal | undefined) => Promise<T>): Promise<T>;
  /** The same of one that goes on step by step. */
  stepsInTime<T>(
    operation: string,
    options: CallOptions,
    body: (signal: AbortSignal | undefined) => AsyncIterable<T>,
  ): AsyncGenerator<T>;
  readonly clock: Clock;
  /** Id of the store's instance, 16 bytes. */
  readonly instanceId: Uint8Array;
  /** The same of all instances that the store has and had: a restored store keeps the log of before. */
  readonly instanceIds: readonly Uint8Array[];
  /** The Ed25519 public key of the store identity, 32 bytes. */
  readonly identity: Uint8Array;
  readonly nameKey: KeyObject;
  /** Hashes of names of objects, of many in one go; `undefined` for what is no such name. */
  hashNames(names: readonly string[]): (Uint8Array | undefined)[];
  /** The most bytes of one part. */
  readonly maxPart: number;
  random(length: number): Uint8Array;
  /** Signs as the store identity does. */
  sign(use: string, bytes: Uint8Array): Uint8Array;
  refresh(signal?: AbortSignal): Promise<void>;
  /** How far segments went, from where nobody could change it. */
  trustedEnds(): Promise<readonly AuditLink[]>;
  /** Has the store say from now on how far `end` is. */
  follow(end: () => (AuditLink & { readonly previous: readonly AuditLink[] }) | undefined): void;
  onClose(listener: () => Promise<void>): void;
  seal(name: string, plaintext: Uint8Array): Buffer;
  /** Makes a part durable; again with the same body where it is not known whether it was written. */
  write(name: string, body: Buffer): Promise<void>;
  /** The names of parts: of the newest segment first, and of each in its order. */
  names(
    prefix?: string,
    options?: { after?: string | undefined; signal?: AbortSignal | undefined },
  ): AsyncIterable<string>;
  /** One page of parts in the order of {@link names}, by one call to the backend. It may be empty and not the last. */
  page(options?: AuditPageOptions): Promise<AuditPage>;
  read(name: string, signal?: AbortSignal): Promise<Buffer | undefined>;
  enable(settings: AuditSettings, options?: CallOptions): Promise<void>;
  disable(options?: CallOptions): Promise<void>;
}
