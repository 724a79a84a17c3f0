import type { StorageBackend } from '@securestore/backend-api';
import { isAuditPart } from '../maintenance/audit/audit-settings.ts';
import type { Engine } from '../engine/engine.ts';
import { withBackend } from '../engine/engine.ts';
import type { Looked } from '../journal/resolve-hints.ts';
import { lookAt } from '../journal/resolve-hints.ts';
import { keyAt } from '../record/decode-name.ts';
import { inspectRecord } from '../record/inspect-record.ts';
import type { VerifiedRecords, VerifyRecordsOptions } from '../replica/migration/verify-target.ts';
import { copyView, verifyRecords, withReadObserver } from '../replica/migration/verify-target.ts';
import type { Missed } from '../replica/migration/re-encrypted-copy.ts';
import { ReEncryptedCopy } from '../replica/migration/re-encrypted-copy.ts';
import type { SealedPayload } from '../replica/migration/verify-payload-parts.ts';
import { sealedPayloadOf } from '../replica/migration/verify-payload-parts.ts';
import { tokensOf } from '../replica/migration/object-versions.ts';

/** What bringing the objects of a store to another place takes of it: what they are, and whether they are there. */
export class CopyingArea {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** How this store is divided into categories, for one that is to be sealed anew of it. */
  get categories(): Readonly<Record<string, readonly string[]>> {
    return this.#engine.monitor.state.categories.patterns;
  }

  /** Whether keys have been destroyed: what lies elsewhere under them nothing opens, so that nothing tells it from what is right but its bytes. */
  get hasDestroyedKeys(): boolean {
    return this.#engine.monitor.state.keys.versions.some(({ state }) => state === 'destroyed');
  }

  /** What brings objects of this store into another one, by its area. */
  resealedTo(other: CopyingArea): ReEncryptedCopy {
    return new ReEncryptedCopy(this.#engine, other.#engine);
  }

  /** The key of the object that a backend name belongs to, as far as the name tells it. */
  keyAt(name: string): string | undefined {
    return keyAt(this.#engine, name);
  }

  /** The tokens of the objects, deleted ones too. */
  tokens(signal?: AbortSignal): AsyncGenerator<string> {
    return tokensOf(this.#engine, signal);
  }

  /** Whether a record is what belongs to a token, by whatever opens it. */
  lookAt(token: string, record: Uint8Array, signal?: AbortSignal): Promise<Looked> {
    return lookAt(this.#engine, token, record, signal);
  }

  /**
   * Whether a record that lies at another place is damaged, rather than written late under a key version that has been retired since.
   */
  async isDamagedAt(target: StorageBackend, token: string, name: string, signal?: AbortSignal): Promise<boolean> {
    const backend = copyView(this.#engine.backend, target);
    const observed = await inspectRecord(withBackend(this.#engine, backend), token, name, signal);
    return observed.state === 'damaged' && !observed.retired;
  }

  /** Whether something is the part of the audit log that belongs to a name. */
  isAuditPart(name: string, body: Uint8Array): boolean {
    return isAuditPart(this.#engine.monitor.state, name, body);
  }

  /** What the parts of the payload of a record are held against; `undefined` if it has none of its own. */
  payloadOf(token: string, record: Uint8Array, signal?: AbortSignal): Promise<SealedPayload | undefined> {
    return sealedPayloadOf(this.#engine, token, record, signal);
  }

  /**
   * Reads every record of the copy, as retrieving it would, and holds it against the checkpoint of the store: what is damaged, older than
   * it was, gone or there again is found, whether it is so in the copy alone or was so in the store.
   */
  verifyCopy(target: StorageBackend, looking: VerifyRecordsOptions, signal?: AbortSignal): Promise<VerifiedRecords> {
    const backend = copyView(this.#engine.backend, target);
    return verifyRecords(withBackend(this.#engine, backend), looking, signal);
  }

  /** The same of the store itself. */
  verifyHere(looking: VerifyRecordsOptions, signal?: AbortSignal): Promise<VerifiedRecords> {
    return verifyRecords(this.#engine, looking, signal);
  }

  /**
   * As {@link verifyHere}, of a store that is sealed anew: whoever shows what is right to be verified must not have shown something else
   * to be sealed.
   *
   * @param onMissed told of each object of which the copy does not have what was verified
   */
  verifySealed(
    copy: ReEncryptedCopy,
    onMissed: (token: string, missed: Missed) => void,
    looking: VerifyRecordsOptions,
    signal?: AbortSignal,
  ): Promise<VerifiedRecords> {
    const onRecord = async (token: string, record: Uint8Array): Promise<void> => {
      const missed = await copy.missedBy(token, record, signal);
      if (missed !== undefined) onMissed(token, missed);
    };
    const backend = withReadObserver(this.#engine.backend, onRecord);
    return verifyRecords(withBackend(this.#engine, backend), looking, signal);
  }
}
