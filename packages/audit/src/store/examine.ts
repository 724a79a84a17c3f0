import type { AuditBatch, AuditLink } from '@securestore/core-format';
import {
  asBuffer,
  auditName,
  decodeAuditBatch,
  decodeAuditEntry,
  encodeBase32,
  isDamage,
  parseAuditName,
} from '@securestore/core-format';
import { firstFrom } from './last-part.ts';
import type { AuditArea } from './place.ts';
import { sideBySide } from './side-by-side.ts';

/** How many names, and how many parts of the newest segments, are looked at. */
const MAX_NAMES = 10_000;
const MAX_PARTS = 200;
const MAX_LISTED = 100;

/** What is seen of a log without the key of its auditor. */
export interface TrailExamination {
  /** Whether nothing is wrong with what was looked at. */
  readonly ok: boolean;
  /** How many parts were read. */
  readonly parts: number;
  /** How many segments there are among the names that were looked at. */
  readonly segments: number;
  /** In words, the first 100. */
  readonly findings: readonly string[];
  /** Whether that was all there is. */
  readonly complete: boolean;
}

/** A part, and the numbers that its entries have. */
interface Part extends AuditBatch {
  readonly sequences: readonly number[];
}

/** A segment, as far as it was seen. */
interface Seen {
  readonly prefix: string;
  /** The numbers of the first entries of its parts, in order; the first part is told by 0. */
  readonly parts: number[];
}

class Examination {
  readonly #place: AuditArea;
  readonly #signal: AbortSignal | undefined;
  readonly #segments = new Map<string, Seen>();
  readonly #problems: string[] = [];
  readonly #read = new Map<string, Part | 'damaged'>();
  /** The segment of which not all names were listed. */
  #cut: Seen | undefined;
  /** Whether all names were listed. */
  #listed = true;
  /** Whether all parts were read, too. */
  #complete = true;

  constructor(place: AuditArea, signal: AbortSignal | undefined) {
    this.#place = place;
    this.#signal = signal;
  }

  async run(ends: readonly AuditLink[]): Promise<TrailExamination> {
    await this.#list();
    await this.#readNewest();
    for (const end of ends) await this.#compare(end);
    for (const [id, { prefix, parts }] of this.#segments) await this.#follow(id, prefix, parts);
    const findings = this.#problems;
    const ok = findings.length === 0;
    return { ok, parts: this.#read.size, segments: this.#segments.size, findings, complete: this.#complete };
  }

  #problem(text: string): void {
    if (this.#problems.length < MAX_LISTED && !this.#problems.includes(text)) this.#problems.push(text);
  }

  async #list(): Promise<void> {
    let count = 0;
    for await (const name of this.#place.names(undefined, { signal: this.#signal })) {
      const parsed = parseAuditName(name);
      if (parsed === undefined) continue;
      const { prefix, segment, sequence } = parsed;
      const id = encodeBase32(segment);
      if (++count > MAX_NAMES) {
        this.#listed = false;
        this.#cut = this.#segments.get(id);
        return;
      }
      const seen = this.#segments.get(id) ?? { prefix, parts: [] };
      // Another segment under an id that there is already shows by its parts.
      if (seen.prefix === prefix) seen.parts.push(sequence);
      this.#segments.set(id, seen);
    }
  }

  /** Reads the newest parts of the newest segments. */
  async #readNewest(): Promise<void> {
    const all = [...this.#segments.values()].flatMap(({ prefix, parts }) =>
      parts.map((sequence) => auditName(prefix, sequence)).toReversed(),
    );
    const names = all.slice(0, MAX_PARTS);
    this.#complete = this.#listed && names.length === all.length;
    await sideBySide(names, (name) => this.#part(name));
  }

  async #part(name: string): Promise<Part | 'damaged' | undefined> {
    const known = this.#read.get(name);
    if (known !== undefined) return known;
    let batch: Part | 'damaged';
    try {
      const bytes = await this.#place.read(name, this.#signal);
      if (bytes === undefined) return undefined;
      const decoded = decodeAuditBatch(bytes);
      const sequences = decoded.entries.map((entry) => decodeAuditEntry(entry.bytes).sequence);
      batch = { ...decoded, sequences };
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#problem(`the part ${name} is damaged`);
      batch = 'damaged';
    }
    this.#read.set(name, batch);
    return batch;
  }

  /** Whether a segment goes as far as somebody trusted has said. */
  async #compare({ segment, count, mac }: AuditLink): Promise<void> {
    const id = encodeBase32(segment);
    const seen = this.#segments.get(id);
    if (seen === undefined) {
      if (this.#listed) this.#problem(`the whole segment ${id} is missing`);
      return;
    }
    if (count === 0) return;
    const at = await this.#partWith(seen, count);
    const batch = at === undefined ? undefined : await this.#part(auditName(seen.prefix, at));
    if (batch === undefined) this.#problem(`segment ${id}: its end is cut off after entry ${count - 1} at most`);
    if (batch === undefined || batch === 'damaged') return;
    const entry = batch.entries[count - Math.max(at ?? 0, 1)];
    if (entry === undefined) this.#problem(`segment ${id}: its end is cut off, entry ${count} is missing`);
    else if (!asBuffer(entry.mac).equals(asBuffer(mac))) {
      this.#problem(`segment ${id}: entry ${count}, or one before it, is another one than the head of the store says`);
    }
  }

  /** The number of the part that has an entry, or would have it: the last one that begins no later. */
  async #partWith(seen: Seen, count: number): Promise<number | undefined> {
    const listed = seen.parts.findLast((sequence) => sequence <= count);
    if (listed === undefined || seen !== this.#cut || listed !== seen.parts.at(-1)) return listed;
    // The part is among those that were not listed; a segment may have a million.
    let [low, high] = [listed, count];
    while (low < high) {
      const middle = low + Math.ceil((high - low) / 2);
      const found = await firstFrom(this.#place, seen.prefix, middle, this.#signal);
      if (found !== undefined && found.sequence <= count) low = found.sequence;
      else high = middle - 1;
    }
    return low;
  }

  /** Whether the parts of a segment follow on each other. Of parts that were not read nothing is known: nor is it of what follows them. */
  async #follow(id: string, prefix: string, parts: readonly number[]): Promise<void> {
    if (parts[0] !== 0) this.#problem(`segment ${id}: its beginning is missing`);
    let next: number | undefined = 1;
    for (const sequence of parts) {
      const batch = this.#read.get(auditName(prefix, sequence));
      const first = Math.max(sequence, 1);
      if (batch === undefined) {
        // It is not looked at, or is gone meanwhile.
        next = undefined;
        continue;
      }
      if (batch === 'damaged') return;
      if (next !== undefined && first !== next)
        this.#problem(`segment ${id}: the entries ${next} to ${first - 1} are missing, or there twice`);
      const isInOrder = batch.sequences.every((number, at) => number === first + at);
      if (!isInOrder) this.#problem(`segment ${id}: the entries from ${first} on are not those that belong there`);
      next = first + batch.entries.length;
    }
  }
}

/**
 * Looks at a log without the key of its auditor: whether its newest parts are as they were sealed and follow on each other, and
 * whether it goes as far as the signed head, and what is remembered outside the store, say. It shows what was done by whoever
 * controls the backend; a verification with the auditor's key shows what was done by those who have the keys of the store.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function examineTrail(place: AuditArea, signal: AbortSignal | undefined): Promise<TrailExamination> {
  const ends = await place.trustedEnds();
  return new Examination(place, signal).run(ends);
}
