import type { AuditHeader, AuditLink } from '@securestore/core-format';
import { encodeBase32, KEY_LENGTH } from '@securestore/core-format';
import { openSealed, verifyAs } from '@securestore/crypto';
import { HEADER_USE, isCertified } from '../entry/certificate.ts';
import { BatchKey, headerMac } from '../entry/keys.ts';
import type { ParsedEntry, ParsedHeader } from '../entry/line.ts';
import { HEADER_MEMBER, parseLine } from '../entry/line.ts';
import { piecesOf } from '../entry/lines.ts';
import type { AuditReport, SegmentReport } from './report.ts';
import { Findings } from './report.ts';
import type { SegmentStart, Witness } from './segment-check.ts';
import { SegmentCheck } from './segment-check.ts';

export interface VerifyOptions {
  /**
   * The lines of the log, of all segments, as {@link auditLines} gives them; several files or objects one after the other. It is called
   * twice: what headers say of other segments is read first. The second time there may be more of them, at the end.
   */
  readonly lines: () => AsyncIterable<string>;
  /** X25519 private keys, present and former, 32 bytes each. They are not kept. */
  readonly auditorKeys: readonly Uint8Array[];
  /** The public key of the store identity, 32 bytes. */
  readonly identity: Uint8Array;
  /** Ids of the instances that the store has and had. */
  readonly instanceIds: readonly Uint8Array[];
  /** How far segments went, from where nobody could change it. */
  readonly heads?: readonly AuditLink[] | undefined;
  /** Ids of segments that are just being written by whoever verifies: nobody wonders that they have no end. */
  readonly running?: readonly Uint8Array[] | undefined;
  /** Ids of segments that lie elsewhere, so that nobody misses them. */
  readonly archived?: readonly Uint8Array[] | undefined;
}

/** Where a torn line was to say what it is. */
const BEGINNING = /^\{"audit":1,"segment":"([0-9a-v]{26})"(?:,"sequence":(\d+))?/;
/** Of unknown segments no more are told apart. */
const MAX_STRANGERS = 1000;

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

interface Known extends SegmentStart {
  readonly header: AuditHeader;
  readonly bytes: Buffer;
}

function withoutEnd({ segment, end }: SegmentReport, vouchedFor: number | undefined): string {
  const vouched = vouchedFor === undefined ? '' : ` A trusted head vouches for it up to entry ${vouchedFor}.`;
  return `segment ${segment} has no end after entry ${end.count}. Its process still runs, or was stopped. Removed last entries would look the same.${vouched}`;
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #findings = new Findings();
  readonly #known = new Map<string, Known>();
  readonly #checks = new Map<string, SegmentCheck>();
  /** Entries of segments without a header that can be trusted: how many, and where the first is. */
  readonly #strangers = new Map<string, { count: number; readonly line: number }>();
  readonly #badHeaders = new Set<string>();
  readonly #begun = new Set<string>();
  #lines = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  async run(): Promise<AuditReport> {
    try {
      await this.#readHeaders();
      this.#gatherWitnesses();
      await this.#readEntries();
      return this.#report();
    } finally {
      for (const { key } of this.#known.values()) key.wipe();
    }
  }

  async #readHeaders(): Promise<void> {
    for await (const line of this.#options.lines()) {
      this.#lines++;
      for (const piece of piecesOf(line)) {
        const parsed = piece.includes(HEADER_MEMBER) ? parseLine(piece) : undefined;
        if (parsed?.kind === 'header') await this.#header(parsed, this.#lines);
      }
    }
  }

  async #header(parsed: ParsedHeader, line: number): Promise<void> {
    const name = parsed.segment;
    const known = this.#known.get(name);
    // A file that follows on another one begins with the same header again.
    if (known !== undefined && parsed.faithful && same(known.bytes, parsed.bytes) && same(known.mac, parsed.mac))
      return;
    const bad = (kind: 'edited' | 'spliced' | 'unverifiable', what: string): void => {
      this.#badHeaders.add(name);
      this.#findings.add(kind, name, what, { line });
    };
    const { identity, instanceIds } = this.#options;
    const { header, signedBytes, signature } = parsed.signed ?? {};
    if (header === undefined || signedBytes === undefined || signature === undefined || !parsed.faithful) {
      return bad('edited', 'its header is not as it was written');
    }
    if (!instanceIds.some((instance) => same(instance, header.instance)))
      return bad('spliced', 'it is of another store');
    if (!isCertified(identity, header.instance, header.certificate)) {
      return bad('spliced', 'its header is signed by a key that this store has not certified');
    }
    if (!verifyAs(header.certificate.publicKey, HEADER_USE, signedBytes, signature)) {
      return bad('edited', 'the signature of its header is wrong');
    }
    const first = await this.#open(header.sealedKey);
    if (first === undefined)
      return bad('unverifiable', 'its key opens by none of the keys of the auditor that were given');
    const key = new BatchKey(first);
    first.fill(0);
    if (!headerMac(key.key, parsed.bytes).equals(parsed.mac)) {
      key.wipe();
      return bad('edited', 'its header is not the one that it was begun with');
    }
    if (known !== undefined) {
      key.wipe();
      this.#findings.add('duplicated', name, 'it has a second header, which is another one', { line });
      return undefined;
    }
    const start = { name, id: header.segment, started: header.started, mac: parsed.mac, key };
    this.#known.set(name, { ...start, header, bytes: parsed.bytes });
    return undefined;
  }

  async #open(sealed: Uint8Array): Promise<Buffer | undefined> {
    for (const key of this.#options.auditorKeys) {
      const opened = await openSealed(key, sealed);
      if (opened?.length === KEY_LENGTH) return opened;
      opened?.fill(0);
    }
    return undefined;
  }

  /** Asks the heads and all headers what they have seen. */
  #gatherWitnesses(): void {
    const witnesses = new Map<string, Witness[]>();
    const add = (link: AuditLink, by: string, isTrusted = false): void => {
      const name = encodeBase32(link.segment);
      const before = witnesses.get(name) ?? [];
      witnesses.set(name, [...before, { ...link, by, isTrusted }]);
    };
    for (const head of this.#options.heads ?? []) add(head, 'a trusted head', true);
    for (const { name, header } of this.#known.values()) {
      for (const link of header.previous) add(link, `segment ${name}`);
    }
    for (const known of this.#known.values()) {
      this.#checks.set(known.name, new SegmentCheck(known, witnesses.get(known.name) ?? [], this.#findings));
    }
    const archived = new Set((this.#options.archived ?? []).map((id) => encodeBase32(id)));
    for (const [name, [witness]] of witnesses) {
      if (this.#known.has(name) || this.#badHeaders.has(name) || archived.has(name) || witness === undefined) continue;
      const message = `the whole segment is missing; ${witness.by} says that it had ${witness.count} entries or more`;
      this.#findings.add('missing', name, message);
    }
  }

  async #readEntries(): Promise<void> {
    let number = 0;
    for await (const line of this.#options.lines()) {
      // What was written since the headers were read is for the next time.
      if (++number > this.#lines) break;
      for (const piece of piecesOf(line)) {
        const parsed = parseLine(piece);
        if (parsed === undefined) this.#torn(piece, number);
        else if (parsed.kind === 'header') this.#begun.add(parsed.segment);
        else this.#entry(parsed, number);
      }
    }
  }

  #entry(entry: ParsedEntry, line: number): void {
    const { segment, sequence } = entry;
    const check = this.#checks.get(segment);
    if (check === undefined) {
      const stranger = this.#strangers.get(segment);
      if (stranger !== undefined) stranger.count++;
      else if (this.#strangers.size < MAX_STRANGERS) this.#strangers.set(segment, { count: 1, line });
      return;
    }
    if (!this.#begun.has(segment)) {
      this.#begun.add(segment);
      this.#findings.add('reordered', segment, `entry ${sequence} stands before the header`, { sequence, line });
    }
    check.accept(entry, line);
  }

  #torn(piece: string, line: number): void {
    if (piece.trim() === '') return;
    const [begins, segment, sequence] = BEGINNING.exec(piece) ?? [];
    const what = sequence === undefined ? 'a line' : `entry ${sequence}`;
    const where = begins === undefined ? 'is no line of an audit log' : `ends within ${what} of segment ${segment}`;
    const last =
      line === this.#lines ? '; it is the last one, as a process leaves it that is stopped while it writes' : '';
    this.#findings.note(`line ${line} ${where}${last}`);
  }

  #report(): AuditReport {
    for (const [name, { count, line }] of this.#strangers) {
      if (this.#badHeaders.has(name)) {
        const message = `its ${count} entries can't be checked without a header that can be trusted`;
        this.#findings.add('unverifiable', name, message, { line });
      } else {
        const message = `${count} entries of it are here, and its header is not: they are of another log, or it was removed`;
        this.#findings.add('spliced', name, message, { line });
      }
    }
    const running = new Set((this.#options.running ?? []).map((id) => encodeBase32(id)));
    const segments = [...this.#checks.values()].map((check) => {
      const report = check.finish();
      if (!report.ended && !running.has(report.segment)) this.#findings.note(withoutEnd(report, check.vouchedFor));
      return report;
    });
    return this.#findings.report(segments);
  }
}

/**
 * Verifies a log, and names what is wrong with it. It reads line by line, and keeps some hundred bytes for each segment.
 *
 * It finds every change of entries that were written before somebody got hold of the key that a running process has at the
 * time, also by those who have all keys of the store but the auditor's. What it can't find without a trusted head: that the
 * end of the newest segment was cut off, or that segments were replaced which no other one follows on.
 */
export async function verifyLog(options: VerifyOptions): Promise<AuditReport> {
  return new Verification(options).run();
}
