import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Naming, StoreKey } from '@securestore/core-format';
import { asBuffer, copyOf, decodeBase32, encodeBase32, ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import { macOf } from './derive.ts';
import { Lru } from './lru.ts';
import { decodePlainSegment, encodePlainSegment } from './plain-names.ts';

/** Tokens stay within what every backend takes. */
const MAX_SEGMENT_TOKEN = 200;
const MAX_TOKEN = 600;
const FALLBACK = '~';
const CACHED_FOLDERS = 4096;

/** Where an object lies and what binds it there. */
export interface LocatedName {
  /** The name at the backend, below its area. */
  readonly token: string;
  /** The S of the last segment: the only form in which a record is bound to its name. */
  readonly nameId: Buffer;
}

/** A folder of names: its token and its S; `token` is absent below a fallback, where no folder shows. */
interface Folder {
  readonly token: string | undefined;
  readonly synthetic: Buffer;
}

/** A folder to remember: its S must not keep a piece of Node's pool alive, many times its size. */
function kept({ token, synthetic }: Folder): Folder {
  return { token, synthetic: copyOf(synthetic) };
}

function unknownToken(token: string): SecureStoreError {
  return new SecureStoreError(
    'INTEGRITY',
    `the backend holds an object whose name this store did not make: ${token.slice(0, MAX_SEGMENT_TOKEN)}`,
  );
}

/** What a token says: the name, or the folder of a name that only the record itself tells. */
export type OpenedToken = { readonly name: string } | { readonly hidden: true };

/** The keys of names. */
export interface NameKeys {
  readonly mac: KeyObject;
  readonly encryption: KeyObject;
}

/**
 * Turns names into backend names and back, segment by segment, so that prefixes still list: a deterministic
 * SIV construction, HMAC-SHA-256 cut to 128 bits as synthetic IV of AES-256-CTR.
 */
export class NameCipher {
  readonly #keys: NameKeys;
  readonly #naming: Naming;
  readonly #root: Folder;
  /** By name; also the reverse, by token. */
  readonly #folders = new Lru<string, Folder>(CACHED_FOLDERS);
  readonly #opened = new Lru<string, { name: string; folder: Folder }>(CACHED_FOLDERS);

  /** @param root what the first segment is bound to: the lineage, or another constant for the store's own objects */
  constructor(keys: NameKeys, naming: Naming, root: Uint8Array) {
    this.#keys = keys;
    this.#naming = naming;
    this.#root = { token: '', synthetic: asBuffer(root) };
  }

  #synthetic(parent: Buffer, segment: Uint8Array): Buffer {
    const input = Buffer.allocUnsafe(parent.length + segment.length);
    input.set(parent);
    input.set(segment, parent.length);
    return macOf(this.#keys.mac, input).subarray(0, ID_LENGTH);
  }

  #segmentToken(synthetic: Buffer, segment: Buffer): string {
    if (this.#naming === 'plain') return encodePlainSegment(segment);
    const cipher = createCipheriv('aes-256-ctr', this.#keys.encryption, synthetic);
    return encodeBase32(Buffer.concat([synthetic, cipher.update(segment)]));
  }

  /** `parent` with one more segment. */
  #descend(parent: Folder, segmentText: string): Folder {
    const segment = Buffer.from(segmentText, 'utf8');
    const synthetic = this.#synthetic(parent.synthetic, segment);
    if (parent.token === undefined) return { token: undefined, synthetic };
    const own = this.#segmentToken(synthetic, segment);
    const token = parent.token === '' ? own : `${parent.token}/${own}`;
    const fits = own.length <= MAX_SEGMENT_TOKEN && token.length <= MAX_TOKEN;
    return { token: fits ? token : undefined, synthetic };
  }

  /** The folder of `name` ('' for the root), from the cache where it can be. */
  #folder(name: string): Folder {
    if (name === '') return this.#root;
    const cached = this.#folders.get(name);
    if (cached !== undefined) return cached;
    const slash = name.lastIndexOf('/');
    const folder = kept(this.#descend(this.#folder(name.slice(0, Math.max(0, slash))), name.slice(slash + 1)));
    this.#folders.set(name, folder);
    return folder;
  }

  locate(key: StoreKey): LocatedName {
    const slash = key.lastIndexOf('/');
    const parent = this.#folder(slash === -1 ? '' : key.slice(0, slash));
    const { token, synthetic } = this.#descend(parent, key.slice(slash + 1));
    if (token !== undefined) return { token, nameId: synthetic };
    return { token: this.#fallbackToken(key, synthetic), nameId: synthetic };
  }

  /** The deepest folder that shows, then the S of the whole name. */
  #fallbackToken(key: string, synthetic: Buffer): string {
    const last = FALLBACK + encodeBase32(synthetic);
    const shown = this.visibleFolder(key);
    return shown === '' ? last : `${shown}/${last}`;
  }

  /**
   * The token of the deepest folder above `name` that shows at the backend; '' for the root. `name` is a key, or the
   * start of one: its last segment counts as incomplete.
   */
  visibleFolder(name: string): string {
    let end = name.lastIndexOf('/');
    while (end > 0) {
      const { token } = this.#folder(name.slice(0, end));
      if (token !== undefined) return token;
      end = name.lastIndexOf('/', end - 1);
    }
    return '';
  }

  #openSegment(parent: Folder, own: string): { text: string; synthetic: Buffer } {
    const fail = (): never => {
      throw unknownToken(own);
    };
    if (own.length > MAX_SEGMENT_TOKEN) fail();
    let segment: Buffer;
    if (this.#naming === 'plain') {
      segment = decodePlainSegment(own) ?? fail();
    } else {
      const bytes = decodeBase32(own);
      if (bytes === undefined || bytes.length <= ID_LENGTH) return fail();
      const decipher = createDecipheriv('aes-256-ctr', this.#keys.encryption, bytes.subarray(0, ID_LENGTH));
      segment = decipher.update(bytes.subarray(ID_LENGTH));
      const synthetic = this.#synthetic(parent.synthetic, segment);
      if (!synthetic.equals(bytes.subarray(0, ID_LENGTH))) fail();
      return { text: segment.toString('utf8'), synthetic };
    }
    return { text: segment.toString('utf8'), synthetic: this.#synthetic(parent.synthetic, segment) };
  }

  #openFolder(token: string): { name: string; folder: Folder } {
    if (token === '') return { name: '', folder: this.#root };
    const cached = this.#opened.get(token);
    if (cached !== undefined) return cached;
    const slash = token.lastIndexOf('/');
    const parent = this.#openFolder(token.slice(0, Math.max(0, slash)));
    const { text, synthetic } = this.#openSegment(parent.folder, token.slice(slash + 1));
    const opened = { name: parent.name === '' ? text : `${parent.name}/${text}`, folder: kept({ token, synthetic }) };
    this.#opened.set(token, opened);
    return opened;
  }

  /**
   * The name that a token stands for.
   *
   * @throws SecureStoreError `INTEGRITY` for a token that no name of this store has
   */
  open(token: string): OpenedToken {
    const slash = token.lastIndexOf('/');
    const own = token.slice(slash + 1);
    const hidden = own.startsWith(FALLBACK);
    if (token.startsWith('/') || (hidden ? slash : token.length) > MAX_TOKEN) throw unknownToken(own);
    const parent = this.#openFolder(token.slice(0, Math.max(0, slash)));
    if (hidden) return { hidden: true };
    const { text } = this.#openSegment(parent.folder, own);
    return { name: parent.name === '' ? text : `${parent.name}/${text}` };
  }

  /** Forgets all names. */
  close(): void {
    this.#folders.clear();
    this.#opened.clear();
  }
}
