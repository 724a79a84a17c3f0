import type { StorageBackend } from '@securestore/backend-api';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import type { Job, JobContext, JobKind } from '@securestore/jobs';
import { isUndecided, startVolatile } from '@securestore/jobs';
import type { CallOptions, ObjectStore } from '@securestore/objects';
import { entriesUnder, extensionsOf, mapConcurrently, signalOf } from '@securestore/objects/internal';

const AT_ONCE = 16;
const MAX_TRIES = 5;

/** From one version of the format to the next. It reads and writes bodies as they are at the backend. */
export interface FormatStep {
  readonly from: number;
  /** One more. */
  readonly to: number;
  /** The version that a body is of, by nothing but the body: {@link from}, {@link to}, or another one. */
  readonly versionOf: (name: string, body: Uint8Array) => number;
  /** The same in version {@link to}. @throws SecureStoreError `INTEGRITY` if it is not of version {@link from} */
  readonly convert: (name: string, body: Uint8Array, context: StepContext) => Promise<Uint8Array> | Uint8Array;
}

/** What a step works with. */
export interface StepContext {
  /** Signs as the store does. */
  readonly sign: (use: string, bytes: Uint8Array) => Uint8Array;
}

/** What an upgrade did. */
export interface UpgradeReport {
  readonly from: number;
  readonly to: number;
  /** Bodies that were brought to the new version. */
  readonly converted: number;
  /** Bodies that were of it before. */
  readonly unchanged: number;
  /** Bodies that are of neither version, or damaged: they were left as they are. */
  readonly failed: readonly { readonly name: string; readonly code: string; readonly message: string }[];
}

type Tally = { converted: number; unchanged: number; failed: UpgradeReport['failed'][number][] };

function isFailure(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'FORMAT_VERSION');
}

/** Converts the body of a name to the new version. @returns whether it had another one */
async function convertAt(
  backend: StorageBackend,
  name: string,
  step: FormatStep,
  context: StepContext,
  signal: AbortSignal,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const found = await backend.read(name, { signal });
    if (found === undefined || step.versionOf(name, found.body) === step.to) return false;
    const version = step.versionOf(name, found.body);
    if (version !== step.from) {
      throw new SecureStoreError('FORMAT_VERSION', `${name} must have format version ${step.from}, got ${version}`);
    }
    const body = await step.convert(name, found.body, context);
    try {
      await backend.write(name, body, { ifMatch: found.etag ?? '', signal });
      return true;
    } catch (error) {
      // Another process has done the same first, or this very write took effect.
      if (!isUndecided(error) || tries === MAX_TRIES) throw error;
    }
  }
}

async function convertAll(
  backend: StorageBackend,
  step: FormatStep,
  context: StepContext,
  { signal, progress }: Pick<JobContext<unknown>, 'signal' | 'progress'>,
): Promise<Tally> {
  const tally: Tally = { converted: 0, unchanged: 0, failed: [] };
  const convert = async (name: string): Promise<void> => {
    signal.throwIfAborted();
    try {
      if (await convertAt(backend, name, step, context, signal)) tally.converted += 1;
      else tally.unchanged += 1;
    } catch (error) {
      if (!isFailure(error)) throw error;
      tally.failed.push({ name, code: error.code, message: error.message });
    }
    progress({ done: 1 });
  };
  // First, so that an older release stops at once, with a clear error.
  await convert(HEAD_NAME);
  if (tally.failed.length > 0)
    throw new SecureStoreError('INTEGRITY', tally.failed[0]?.message ?? 'the manifest is damaged');
  for await (const _ of mapConcurrently(entriesUnder(backend, '', { signal }), AT_ONCE, ({ key }) =>
    key === HEAD_NAME ? Promise.resolve() : convert(key),
  ));
  return tally;
}

/**
 * Converts a store to the next version of the format, in place. Other writers get `LOCKED` meanwhile; processes can read, with a release that
 * reads both versions. The same call resumes an interrupted upgrade.
 *
 * The job rejects with `LOCKED` if the store is being migrated or rotated; `INTEGRITY` if its head is damaged; and what the backend throws.
 *
 * @param store opened by a release that reads both versions and writes the new one
 * @param backend of the store, without layers
 */
export function upgradeFormat(
  store: ObjectStore,
  backend: StorageBackend,
  step: FormatStep,
  options: CallOptions = {},
): Job<UpgradeReport> {
  const area = extensionsOf(store).backup;
  const kind: JobKind<object, UpgradeReport> = {
    name: 'format-upgrade',
    parse: () => ({}),
    async run({ signal, progress }) {
      progress({ phase: 'waiting for others' });
      const context: StepContext = { sign: (use, bytes) => area.sign(use, bytes) };
      const tally = await area.whileRestoring(() => {
        progress({ phase: 'converting' });
        return convertAll(backend, step, context, { signal, progress });
      }, signal);
      return { from: step.from, to: step.to, ...tally };
    },
  };
  // A store that is being upgraded takes no state of a job: its head says that it is.
  return startVolatile(kind, {}, { signal: signalOf(options), clock: area.clock });
}
