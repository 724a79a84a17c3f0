import type { AuditLink, MacedBytes, StoredAuditEntry } from '@securestore/core-format';
import {
  auditBatchOverhead,
  auditName,
  auditPrefix,
  decodeAuditHeader,
  encodeAuditBatch,
  SecureStoreError,
  storedEntryLength,
} from '@securestore/core-format';
import type { AuditArea } from './place.ts';
import type { AuditLine, Sink, SinkStart } from '../sink/sink.ts';
import { tipsAt } from './store-tips.ts';

/** How long entries are gathered for one part, in milliseconds. */
const GATHER = 1000;
/** No part is larger, whatever the backend takes: whoever looks for the last entries reads one. */
const MAX_PART: number = 256 * 1024;

interface Part {
  readonly name: string;
  readonly body: Buffer;
}

/** The parts that are still to be written of the lines of one write. */
interface Unwritten {
  readonly lines: readonly AuditLine[];
  readonly parts: Part[];
}

/** Entries cut so that each piece fits, the first one beside the header. */
function* pieces(entries: readonly StoredAuditEntry[], header: number, limit: number): Generator<StoredAuditEntry[]> {
  let piece: StoredAuditEntry[] = [];
  let length = auditBatchOverhead(header);
  for (const entry of entries) {
    const more = storedEntryLength(entry);
    if (piece.length > 0 && length + more > limit) {
      yield piece;
      piece = [];
      length = auditBatchOverhead(0);
    }
    piece.push(entry);
    length += more;
  }
  if (piece.length > 0) yield piece;
}

/** Writes the log into the store that it is of, in sealed parts. */
export class StoreSink implements Sink {
  readonly name = 'store';
  readonly gather: number = GATHER;
  readonly #place: AuditArea;
  #header: MacedBytes | undefined;
  #prefix: string | undefined;
  #unwritten: Unwritten | undefined;
  #strange = 0;

  constructor(place: AuditArea) {
    this.#place = place;
  }

  async tips(): Promise<AuditLink[]> {
    const { tips, strange } = await tipsAt(this.#place);
    this.#strange = strange;
    return tips;
  }

  start({ header, notice }: SinkStart): void {
    if (this.#strange > 0) {
      notice(
        `${this.#strange} of the newest segments can't be read, or are not of this store: a verification names them`,
      );
    }
    const { started, segment } = decodeAuditHeader(header.stored.bytes).header;
    this.#header = header.stored;
    this.#prefix = auditPrefix(started, segment);
  }

  async write(lines: readonly AuditLine[]): Promise<void> {
    // The same bytes where it is tried again: so it can be told whether they are there.
    if (this.#unwritten?.lines !== lines) this.#unwritten = { lines, parts: this.#partsOf(lines) };
    const { parts } = this.#unwritten;
    for (let part = parts[0]; part !== undefined; part = parts[0]) {
      await this.#place.write(part.name, part.body);
      this.#header = undefined;
      parts.shift();
    }
    this.#unwritten = undefined;
  }

  async close(): Promise<void> {
    this.#unwritten = undefined;
  }

  #partsOf(lines: readonly AuditLine[]): Part[] {
    const prefix = this.#prefix;
    if (prefix === undefined) throw new SecureStoreError('INTERNAL', 'the sink was not started');
    const limit = Math.min(MAX_PART, this.#place.maxPart);
    let header = this.#header;
    let sequence = lines[0]?.sequence ?? 0;
    const entries = lines.map(({ stored }) => stored);
    return [...pieces(entries, header?.bytes.length ?? 0, limit)].map((piece) => {
      const name = auditName(prefix, header === undefined ? sequence : 0);
      const plaintext = encodeAuditBatch({ header, entries: piece });
      header = undefined;
      sequence += piece.length;
      return { name, body: this.#place.seal(name, plaintext) };
    });
  }
}
