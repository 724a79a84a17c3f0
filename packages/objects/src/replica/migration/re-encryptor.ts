import type { RecordHeader, StoreKey } from '@securestore/core-format';
import { encodeBase32, encodeTombstoneBody, parseStoreKey, SecureStoreError } from '@securestore/core-format';
import { digestWhole, RecentCache, sealRecord } from '@securestore/crypto';
import { BlobReader } from '../../record/blob-reader.ts';
import { blobPayload, writeBlob } from '../../record/blob-writer.ts';
import type { Engine } from '../../engine/engine.ts';
import type { OpenBody } from '../../record/body.ts';
import { encodeOpenBody } from '../../record/body.ts';
import type { LiveRecord, OpenedRecord } from '../../record/open-record.ts';
import { damagedRecord } from '../../record/open-record.ts';

/** Payloads whose place in the new store is remembered: versions of an object may share one. */
const REMEMBERED = 1000;

/** A payload as the new store has it. */
type Payload = Pick<OpenBody, 'digest' | 'payload'> & { readonly blob: RecordHeader['blob'] };

/** Seals versions of objects of one store with the keys of another: version, commit and times stay. */
export class ReEncryptor {
  readonly #source: Engine;
  readonly #target: Engine;
  readonly #payloads = new RecentCache<string, Payload>(REMEMBERED);

  constructor(source: Engine, target: Engine) {
    this.#source = source;
    this.#target = target;
  }

  /**
   * Re-encrypts a version. Its payload is written if it is not there yet; the record is the caller's to write.
   *
   * @param tally counts what is written of the payload, in bytes
   * @throws SecureStoreError `INTEGRITY` if the payload is damaged; what the backends throw
   */
  async seal(
    name: StoreKey,
    opened: OpenedRecord,
    tally: { bytes: number },
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    const { monitor, random, names } = this.#target;
    const { nameId, token } = names.locate(name);
    const { head, keys, categories } = monitor.state;
    const categoryId = categories.idOf(name);
    const { primary } = keys.category(categoryId);
    const { blob: _, ...rest } = opened.header;
    const anew = {
      ...rest,
      suite: primary.suite,
      lineage: head.lineage,
      nameId,
      categoryId,
      generation: head.generation,
    };
    if (opened.kind === 'tombstone') return sealRecord(primary, anew, encodeTombstoneBody(opened.body), random);
    const { blob, ...payload } = await this.#payload(token, opened, categoryId, tally, signal);
    const plaintext = encodeOpenBody({ ...opened.body, ...payload });
    try {
      return sealRecord(primary, blob === undefined ? anew : { ...anew, blob }, plaintext, random);
    } finally {
      plaintext.fill(0);
    }
  }

  async #payload(
    there: string,
    { header, body }: LiveRecord,
    categoryId: Uint8Array,
    tally: { bytes: number },
    signal: AbortSignal | undefined,
  ): Promise<Payload> {
    const { primary, digest: digestKeys } = this.#target.monitor.state.keys.category(categoryId);
    const { payload, length } = body;
    if (payload.kind === 'inline' || header.blob === undefined) {
      if (payload.kind !== 'inline') return damagedRecord('its header and its body disagree about its payload');
      return { payload, digest: digestWhole(digestKeys, payload.data), blob: undefined };
    }
    const id = `${there} ${encodeBase32(header.blob.blobId)}`;
    const known = this.#payloads.get(id);
    if (known !== undefined) return known;
    const { token } = this.#source.names.locate(parseStoreKey(body.name));
    const reader = new BlobReader(this.#source, { token, reference: header.blob, payload, length });
    const data = reader.read(0, length, signal);
    const written = await writeBlob(this.#target, there, primary.suite, digestKeys, data, signal);
    if (written.length !== length) {
      throw new SecureStoreError('INTEGRITY', 'the payload is damaged: its length is not that of its record');
    }
    tally.bytes += written.reference.sealedLength;
    const made = { payload: blobPayload(written), digest: written.digest, blob: written.reference };
    this.#payloads.set(id, made);
    return made;
  }
}
