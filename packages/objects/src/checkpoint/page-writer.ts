import type { CheckpointEntry, CheckpointKind, CheckpointPage, CheckpointTotals } from '@securestore/core-format';
import {
  AREAS,
  asBuffer,
  CHECKPOINT_PAGE_OVERHEAD,
  checkpointEntryLength,
  checkpointPageName,
  encodeCheckpointPage,
  MAX_CHECKPOINT_ENTRY_BYTES,
  MAX_CHECKPOINT_PAGE_BYTES,
  sha256,
} from '@securestore/core-format';
import type { LoadedSystemKey } from '@securestore/crypto';
import { checkpointPageId, digestWhole } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import { GRACE_PERIOD } from '../engine/engine.ts';
import { sealJournalBody } from '../engine/sealed-objects.ts';
import type { LoadedCheckpoint } from './load.ts';

/** One entry in so many ends its page, on average. */
const ENTRIES_PER_PAGE = 512;

/** Room for what sealing adds. */
const SEALING_OVERHEAD = 1024;

const MAX_TRIES = 10;

const KINDS: readonly CheckpointKind[] = ['object', 'tombstone', 'purged'];

/** Thrown inside: keys or checkpoint of the store were replaced meanwhile, so what was built can't be used. */
export class Superseded extends Error {}

/**
 * Writes a page, or finds it there: under one key the same entries are the same bytes. One that was left by an attempt
 * is written again if it is old, so that nobody removes it now.
 */
async function writePage(engine: Engine, name: string, body: Buffer, signal: AbortSignal | undefined): Promise<void> {
  const { backend, clock } = engine;
  for (let tries = 1; ; tries++) {
    try {
      const found = tries === 1 ? undefined : await backend.read(name, { signal });
      if (found !== undefined) {
        const age = (found.now ?? clock.now()) - found.modified;
        if (body.equals(found.body) && age < GRACE_PERIOD / 2) return;
      }
      const condition = found === undefined ? { ifAbsent: true as const } : { ifMatch: found.etag ?? '' };
      await backend.write(name, body, { ...condition, signal });
      return;
    } catch (error) {
      if (!isUndecided(error) || tries === MAX_TRIES) throw error;
    }
  }
}

/**
 * Cuts entries into pages and writes those that the checkpoint before doesn't have. Where a page ends depends on the
 * tokens in it alone, so that equal entries make equal pages, and a change stays within its page or the next.
 */
export class PageWriter {
  readonly #engine: Engine;
  readonly #key: LoadedSystemKey;
  readonly #known: ReadonlyMap<string, CheckpointPage>;
  readonly #maxBytes: number;
  readonly #signal: AbortSignal | undefined;
  #entries: CheckpointEntry[] = [];
  #length = CHECKPOINT_PAGE_OVERHEAD;
  readonly pages: CheckpointPage[] = [];
  readonly totals: Record<CheckpointKind, number> = { object: 0, tombstone: 0, purged: 0 };
  /** How many pages were written, because the checkpoint before has none like them. */
  written = 0;

  /** @param before the checkpoint whose pages can be used again */
  constructor(engine: Engine, before: LoadedCheckpoint | undefined, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.#key = engine.monitor.state.keys.journal.primary;
    // The pages of a former one hold digests that count no more.
    const isUsable = before !== undefined && !before.former && this.#key.id.equals(before.keyId);
    const usable = isUsable ? before.root.pages : [];
    this.#known = new Map(usable.map((page) => [checkpointPageName(page.id), page]));
    this.#maxBytes = Math.min(MAX_CHECKPOINT_PAGE_BYTES, engine.limits.maxRecord - SEALING_OVERHEAD);
    this.#signal = signal;
  }

  /** Whether a page of the checkpoint before can be taken as it is now. */
  canTake(page: CheckpointPage): boolean {
    return this.#entries.length === 0 && this.#known.has(checkpointPageName(page.id));
  }

  /** Takes a page of the checkpoint before as it is; its entries are to be counted by {@link count}. */
  take(page: CheckpointPage): void {
    this.pages.push(page);
  }

  /** Counts entries of pages that were taken. */
  count(totals: CheckpointTotals): void {
    for (const kind of KINDS) this.totals[kind] += totals[kind];
  }

  /** Adds the next entry, in the order of tokens. @throws Superseded, and what the backend throws */
  async add(entry: CheckpointEntry): Promise<void> {
    this.#entries.push(entry);
    this.#length += checkpointEntryLength(entry);
    this.totals[entry.kind] += 1;
    const isFull = this.#length + MAX_CHECKPOINT_ENTRY_BYTES > this.#maxBytes;
    if (isFull || this.#endsPage(entry.token)) await this.#flush();
  }

  /** To be called after the last entry. */
  async finish(): Promise<void> {
    await this.#flush();
  }

  /** Keyed, so that nobody who chooses names chooses where pages end. */
  #endsPage(token: string): boolean {
    const { digest } = this.#engine.monitor.state.keys.journal;
    const hash = digestWhole(digest, Buffer.from(AREAS.checkpoints + token, 'latin1'));
    return hash.readUInt32BE(0) % ENTRIES_PER_PAGE === 0;
  }

  async #flush(): Promise<void> {
    const [first] = this.#entries;
    if (first === undefined) return;
    const plaintext = encodeCheckpointPage(this.#entries);
    const count = this.#entries.length;
    this.#entries = [];
    this.#length = CHECKPOINT_PAGE_OVERHEAD;
    if (!this.#engine.monitor.state.keys.journal.primary.id.equals(this.#key.id)) throw new Superseded();
    const id = checkpointPageId(this.#key, plaintext);
    const name = checkpointPageName(id);
    const known = this.#known.get(name);
    if (known !== undefined) {
      this.pages.push(known);
      return;
    }
    const body = await sealJournalBody(this.#engine, 'checkpointPage', name, plaintext, id);
    await writePage(this.#engine, name, body, this.#signal);
    this.pages.push({ firstToken: first.token, id: asBuffer(id), digest: sha256(body), count });
    this.written += 1;
  }
}
