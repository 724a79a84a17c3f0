import type {
  BackendCapabilities,
  ListEntry,
  ListOptions,
  ListResult,
  ReadOptions,
  ReadResult,
  StorageBackend,
} from '@securestore/backend-api';
import type { BackupKeys, IndexedBlob, IndexEntry } from '@securestore/core-format';
import {
  AREAS,
  backupPartName,
  decodeBase32,
  HEAD_NAME,
  historyName,
  historyPrefix,
  historyVersion,
  objectName,
  partName,
  SecureStoreError,
  splitUnderToken,
} from '@securestore/core-format';
import { keysObject, READ_ONLY_CAPABILITIES } from '@securestore/objects/internal';
import { partCount, sealedPartLength } from './blobs.ts';
import type { Destination } from './destination.ts';
import type { IndexSet } from './index-set.ts';
import type { IndexView } from './moment-index.ts';
import type { Versions } from './index-pages.ts';
import type { PackReader } from './packs.ts';

const PAGE = 1000;

/** What a {@link PointBackend} shows. */
export interface PointView {
  readonly destination: Destination;
  readonly keys: BackupKeys;
  readonly index: IndexView;
  readonly others: IndexSet;
  readonly packs: PackReader;
  /** The moment that is shown, in milliseconds since 1970. */
  readonly time: number;
}

/** The payloads of an object, each once, in the order of their names. */
function blobsOf(token: string, entries: readonly IndexEntry[]): IndexedBlob[] {
  const blobs = new Map<string, IndexedBlob>();
  for (const { blob } of entries) if (blob !== undefined) blobs.set(partName(token, blob.blobId, 0), blob);
  return [...blobs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, blob]) => blob);
}

/** A store as it was at a point of its backup, as a backend that only reads. */
export class PointBackend implements StorageBackend {
  readonly name = 'backup';
  readonly #view: PointView;

  constructor(view: PointView) {
    this.#view = view;
  }

  get capabilities(): BackendCapabilities {
    const { maxBodyBytes } = this.#view.destination.backend.capabilities;
    return { ...READ_ONLY_CAPABILITIES, maxBodyBytes };
  }

  async init(): Promise<void> {}
  async close(): Promise<void> {}

  async write(): Promise<never> {
    throw new SecureStoreError('READ_ONLY', 'a backup cannot be changed');
  }

  async delete(): Promise<never> {
    return this.write();
  }

  async read(name: string, options: ReadOptions = {}): Promise<ReadResult | undefined> {
    options.signal?.throwIfAborted();
    if (name.startsWith(AREAS.blobs)) return this.#readPart(name, options);
    const body = await this.#bodyOf(name, options.signal);
    if (body === undefined) return undefined;
    const { start, end } = options;
    const whole = start === undefined && end === undefined;
    const range = whole ? body : body.subarray(start ?? 0, end);
    const found = { body: range, size: body.length, modified: this.#view.time };
    return whole ? { ...found, etag: '1' } : found;
  }

  async #bodyOf(name: string, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    const { keys, index, others, packs } = this.#view;
    let entry: IndexEntry | undefined;
    if (name.startsWith(AREAS.objects)) {
      [entry] = await index.get(name.slice(AREAS.objects.length), signal);
    } else if (name.startsWith(AREAS.history)) {
      const token = splitUnderToken(AREAS.history, name)?.token ?? '';
      const version = historyVersion(historyPrefix(token), name);
      const entries = await index.get(token, signal);
      entry = entries.find((one, at) => at > 0 && one.version === version);
    } else if (name.startsWith(AREAS.audit)) {
      [entry] = await others.get(name, signal);
    } else {
      const body = keysObject(keys, name);
      return body && Buffer.from(body);
    }
    return entry && packs.read(entry, signal);
  }

  async #readPart(name: string, options: ReadOptions): Promise<ReadResult | undefined> {
    const { token, rest } = splitUnderToken(AREAS.blobs, name) ?? { token: '', rest: '' };
    const [id = '', digits = ''] = rest.split('/');
    const blobId = decodeBase32(id);
    if (blobId === undefined || !/^[0-9a-f]{8}$/.test(digits)) return undefined;
    const entries = await this.#view.index.get(token, options.signal);
    const blob = entries.find((entry) => entry.blob !== undefined && blobId.equals(entry.blob.blobId))?.blob;
    const part = Number.parseInt(digits, 16);
    if (blob === undefined || part >= partCount(blob)) return undefined;
    return this.#view.destination.backend.read(backupPartName(blob.epoch, blobId, part), options);
  }

  async list(prefix: string, { after = '', limit = PAGE, signal }: ListOptions = {}): Promise<ListResult> {
    const entries: ListEntry[] = [];
    const most = Math.min(limit, PAGE);
    for await (const entry of this.#names(prefix, after, signal)) {
      signal?.throwIfAborted();
      if (entry.key <= after || !entry.key.startsWith(prefix)) continue;
      if (entries.length === most) return { entries, more: true };
      entries.push(entry);
    }
    return { entries, more: false };
  }

  /** The names that start with `prefix` and come after `after`, and a few before them. */
  async *#names(prefix: string, after: string, signal: AbortSignal | undefined): AsyncGenerator<ListEntry> {
    const { index, others, keys, time: modified } = this.#view;
    const area = prefix.slice(0, 2);
    // Names under an object sort as the objects do.
    const start = after > prefix ? after : prefix;
    const from = splitUnderToken(area, start)?.token ?? start.slice(area.length);
    const namesOf = NAMES[area];
    if (namesOf !== undefined) {
      const only = splitUnderToken(area, prefix)?.token;
      const isMeant = ({ token }: Versions): boolean =>
        only === undefined ? token.startsWith(prefix.slice(area.length)) : token === only;
      for await (const versions of index.objects(from, signal)) {
        if (!isMeant(versions)) return;
        for (const { key, size } of namesOf(versions)) yield { key, size, modified };
      }
    } else if (area === AREAS.audit) {
      for await (const { token, entries } of others.objects(start, signal)) {
        if (!token.startsWith(prefix)) return;
        yield { key: token, size: entries[0]?.size ?? 0, modified };
      }
    } else {
      const named = [{ name: HEAD_NAME, body: keys.head }, ...keys.objects].toSorted((a, b) =>
        a.name < b.name ? -1 : 1,
      );
      for (const { name, body } of named) yield { key: name, size: body.length, modified };
    }
  }
}

type Named = Pick<ListEntry, 'key' | 'size'>;

/** The names of an object's records and payloads, by area. */
const NAMES: Readonly<Record<string, (versions: Versions) => Named[]>> = {
  [AREAS.objects]: ({ token, entries }) => entries.slice(0, 1).map(({ size }) => ({ key: objectName(token), size })),
  [AREAS.history]: ({ token, entries }) =>
    entries.slice(1).map(({ version, size }) => ({ key: historyName(token, version), size })),
  [AREAS.blobs]: ({ token, entries }) =>
    blobsOf(token, entries).flatMap((blob) =>
      Array.from({ length: partCount(blob) }, (_, part) => ({
        key: partName(token, blob.blobId, part),
        size: sealedPartLength(blob, part),
      })),
    ),
};
