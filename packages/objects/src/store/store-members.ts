import type {
  CheckpointOptions,
  GcOptions,
  JobAdministration,
  EncryptionKeyAdministration,
  UnlockSecret,
  RotateOptions,
  SlotAdministration,
  VerifyOptions,
} from './administration-types.ts';
import type { GcReport } from '../maintenance/gc/report.ts';
import type { CheckpointReport } from '../checkpoint/make.ts';
import type { Job } from '@securestore/jobs';
import type { RotationReport } from '../maintenance/keys/rotate.ts';
import type { MemberAdministration } from '../maintenance/keys/members.ts';
import type { SettingsAdministration } from '../api/settings-types.ts';
import type { VerifyReport } from '../maintenance/verify/report.ts';

/** The members of an open store beside the calls about its objects. */
export interface StoreMembers {
  /**
   * The identity of the store: pin it to be sure that it is the same one when you open it again.
   *
   * @example
   * ```ts
   * await openStore('file:/srv/vault', { unlock: keyFile('vault.key'), fingerprint: store.fingerprint });
   * ```
   */
  readonly fingerprint: string;
  /**
   * The ways of unlocking the store.
   *
   * @example
   * ```ts
   * const { id } = await store.slots.add(passphrase('another passphrase'));
   * ```
   */
  readonly slots: SlotAdministration;
  /**
   * The encryption keys of the store.
   *
   * @example
   * ```ts
   * const usage = await store.encryptionKeys.usage();
   * for (const { id, state } of await store.encryptionKeys.list()) console.log(id, state, usage[id]);
   * ```
   */
  readonly encryptionKeys: EncryptionKeyAdministration;
  /**
   * Who was granted a part of the keys.
   *
   * @example
   * ```ts
   * await store.members.add('ann', 'the recipient of Ann', { categories: ['pii'] });
   * ```
   */
  readonly members: MemberAdministration;
  /**
   * How the store was made, and was changed since.
   *
   * @example
   * ```ts
   * await store.settings.change({ history: { versions: 20 } });
   * ```
   */
  readonly settings: SettingsAdministration;
  /**
   * Long work on the store that is not finished.
   *
   * @example
   * ```ts
   * for (const { id, state } of await store.jobs.list()) console.log(id, state);
   * ```
   */
  readonly jobs: JobAdministration;
  /**
   * Where the store is, without credentials: another one once it has moved.
   *
   * @example
   * ```ts
   * console.log(store.url);
   * ```
   */
  readonly url: string;
  /**
   * Replaces the secret `oldUnlockSecret` by `newUnlockSecret` and renews what it led to, to the depth that the options say, while reads
   * and writes go on. Every other secret keeps opening the store.
   *
   * What a rotation can't take back: who has an old secret *and* an old copy of the store opens that copy.
   *
   * The job rejects with `UNLOCK_FAILED` where `oldUnlockSecret` opens nothing, `LOCKED` where another rotation is under way,
   * `INVALID_ARGUMENT`.
   *
   * @example
   * ```ts
   * const { rotated } = await store.rotateEncryptionKey(passphrase('the old one'), passphrase('the new one'));
   * ```
   */
  rotateEncryptionKey(
    oldUnlockSecret: UnlockSecret,
    newUnlockSecret: UnlockSecret,
    options?: RotateOptions,
  ): Job<RotationReport>;
  /**
   * Makes a checkpoint: what the store holds, signed and named by its head, so that {@link verify} can tell later what
   * was put back, hidden or brought back to life by whoever controls the backend. Reads all objects, and writes what has
   * changed since the checkpoint before. Reads and writes go on meanwhile.
   *
   * The job rejects with `LOCKED` where another process makes one or a rotation is not finished, `INTEGRITY` where the
   * checkpoint before is damaged (`afresh` replaces it), `TOO_LARGE`.
   *
   * @example
   * ```ts
   * const { objects } = await store.checkpoint();
   * ```
   */
  checkpoint(options?: CheckpointOptions): Job<CheckpointReport>;
  /**
   * Removes what nobody needs any more: versions and deletions beyond what the store keeps, expired objects, and what
   * interrupted writes have left; nothing younger than a day. A store that stays open does this once a day by itself.
   * Reads and writes go on meanwhile.
   *
   * With `dryRun` nothing is removed: the report counts what would be.
   *
   * The job rejects with `LOCKED` where another process is at it.
   *
   * @example
   * ```ts
   * const { bytes } = await store.gc();
   * ```
   */
  gc(options?: GcOptions): Job<GcReport>;
  /**
   * Reads every record, as retrieving it would, and holds the store against its last checkpoint: finds what is damaged,
   * older than it was, gone or there again. Reads and writes go on meanwhile. Writes nothing, not even its own state, so
   * it is no job: what stops early begins again.
   *
   * @throws `ROLLBACK` where the head of the store is older than one seen before; what keeps it from looking, such as
   *   `UNAVAILABLE`. What it finds is no error: it is in the report.
   *
   * @example
   * ```ts
   * const { ok, findings } = await store.verify();
   * ```
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /**
   * Waits for the calls under way, then forgets all keys and closes the backend. Idempotent.
   *
   * @example
   * ```ts
   * await store.close();
   * ```
   */
  close(): Promise<void>;
}
