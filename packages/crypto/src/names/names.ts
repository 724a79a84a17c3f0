import { createCipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Naming, StoreKey } from '@securestore/core-format';
import { asBuffer, decodeBase32, encodeBase32, ID_LENGTH, SecureStoreError } from '@securestore/core-format';
import { CounterMode } from '../primitives/counter-mode.ts';
import type { HmacKey } from '../primitives/hmac.ts';
import { RecentCache } from '../primitives/recent-cache.ts';
import { decodePlainSegment, encodePlainSegment } from './plain-names.ts';

/** Tokens stay within what every backend takes. */
const MAX_SEGMENT_TOKEN = 200;
const MAX_TOKEN = 600;
const FALLBACK = '~';
const REMEMBERED = 2048;

/** The name of an object at the backend, and what binds the object to it. */
export interface LocatedName {
  /** The name at the backend, below its area. */
  readonly token: string;
  /** The S of the last segment: the only form in which a record is bound to its name. */
  readonly nameId: Buffer;
}

/**
 * A name or a folder of names: its token, absent if that is too long or below such a folder, and its S, one
 * character for each byte, since many are kept and a piece of Node's pool would be kept with each.
 */
interface Place {
  readonly token: string | undefined;
  readonly synthetic: string;
}

function unknownToken(token: string): SecureStoreError {
  return new SecureStoreError(
    'INTEGRITY',
    `the backend has a foreign object, whose name is not one of this store: ${token.slice(0, MAX_SEGMENT_TOKEN)}`,
  );
}

/** The S of an encrypted segment, which is its first counter block, and the encrypted text. */
function splitSegment(bytes: Buffer): { readonly counter: Buffer; readonly data: Buffer } {
  return { counter: bytes.subarray(0, ID_LENGTH), data: bytes.subarray(ID_LENGTH) };
}

function decodeSegment(own: string): ReturnType<typeof splitSegment> | undefined {
  const bytes = own.length > MAX_SEGMENT_TOKEN ? undefined : decodeBase32(own);
  return bytes === undefined || bytes.length <= ID_LENGTH ? undefined : splitSegment(bytes);
}

/** What a token says: the name, or the folder of a name that only the record itself tells. */
export type OpenedToken = { readonly name: string } | { readonly hidden: true };

/** A segment of a token, and the folder that it is in. */
interface TokenSegment {
  readonly parent: Place;
  readonly own: string;
}

/** The text of a segment and its S. */
interface OpenedSegment {
  readonly text: string;
  readonly synthetic: string;
}

/** The result of one of many tokens: a foreign one has an error, and the others are opened. */
export type TokenResult = OpenedToken | SecureStoreError;

/** The keys of names. */
export interface NameKeys {
  readonly mac: HmacKey;
  readonly encryption: KeyObject;
}

/**
 * Ids of names as others than the backend may see them: each enciphered by itself (AES-256), so that it is the same every time, and
 * whoever has not the key finds nothing at the backend by it. Ids are random to everybody else, so no block says anything of another.
 *
 * @param ids 16 bytes each
 */
export function veilIds(key: KeyObject, ids: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(ids), cipher.final()]);
}

/**
 * Turns names into backend names and back, segment by segment, so that prefixes still list: a deterministic
 * SIV construction, HMAC-SHA-256 cut to 128 bits as synthetic IV of AES-256-CTR.
 */
export class NameCipher {
  readonly #keys: NameKeys;
  readonly #naming: Naming;
  readonly #root: Place;
  #counters: CounterMode | undefined;
  /** By name, of objects too, since they are often used again. */
  readonly #places = new RecentCache<string, Place>(REMEMBERED);
  /** Folders alone, by token. */
  readonly #opened = new RecentCache<string, { name: string; folder: Place }>(REMEMBERED);

  /** @param root what the first segment is bound to: the lineage, or another constant for the store's own objects */
  constructor(keys: NameKeys, naming: Naming, root: Uint8Array) {
    this.#keys = keys;
    this.#naming = naming;
    this.#root = { token: '', synthetic: asBuffer(root).toString('latin1') };
  }

  #synthetic(parent: string, segment: Uint8Array): string {
    const input = Buffer.allocUnsafe(parent.length + segment.length);
    input.set(segment, input.write(parent, 'latin1'));
    return this.#keys.mac.tag(input).slice(0, ID_LENGTH);
  }

  #segmentToken(synthetic: string, segment: Buffer): string {
    if (this.#naming === 'plain') return encodePlainSegment(segment);
    const bytes = Buffer.allocUnsafe(ID_LENGTH + segment.length);
    bytes.set(segment, bytes.write(synthetic, 'latin1'));
    this.#counterMode.apply([splitSegment(bytes)]);
    return encodeBase32(bytes);
  }

  /** The place of one more segment below `parent`. */
  #descend(parent: Place, segmentText: string): Place {
    const segment = Buffer.from(segmentText, 'utf8');
    const synthetic = this.#synthetic(parent.synthetic, segment);
    if (parent.token === undefined) return { token: undefined, synthetic };
    const own = this.#segmentToken(synthetic, segment);
    const token = parent.token === '' ? own : `${parent.token}/${own}`;
    const fits = own.length <= MAX_SEGMENT_TOKEN && token.length <= MAX_TOKEN;
    return { token: fits ? token : undefined, synthetic };
  }

  /** The place of `name` ('' for the root), from the cache if possible. */
  #place(name: string): Place {
    if (name === '') return this.#root;
    const cached = this.#places.get(name);
    if (cached !== undefined) return cached;
    const slash = name.lastIndexOf('/');
    const place = this.#descend(this.#place(name.slice(0, Math.max(0, slash))), name.slice(slash + 1));
    this.#places.set(name, place);
    return place;
  }

  locate(key: StoreKey): LocatedName {
    const { token, synthetic } = this.#place(key);
    const nameId = Buffer.from(synthetic, 'latin1');
    return { token: token ?? this.#fallbackToken(key, nameId), nameId };
  }

  /** The deepest folder that shows, then the S of the whole name. */
  #fallbackToken(key: string, nameId: Buffer): string {
    const last = FALLBACK + encodeBase32(nameId);
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
      const { token } = this.#place(name.slice(0, end));
      if (token !== undefined) return token;
      end = name.lastIndexOf('/', end - 1);
    }
    return '';
  }

  /** Made when it is first needed: Node frees the key with the cipher. */
  get #counterMode(): CounterMode {
    return (this.#counters ??= new CounterMode(this.#keys.encryption));
  }

  #openPlainSegment({ parent, own }: TokenSegment): OpenedSegment | undefined {
    const segment = own.length > MAX_SEGMENT_TOKEN ? undefined : decodePlainSegment(own);
    if (segment === undefined) return undefined;
    return { text: segment.toString('utf8'), synthetic: this.#synthetic(parent.synthetic, segment) };
  }

  /** Opens each segment; `undefined` for a foreign one. */
  #openSegments(segments: readonly TokenSegment[]): (OpenedSegment | undefined)[] {
    if (this.#naming === 'plain') return segments.map((segment) => this.#openPlainSegment(segment));
    const sealed = segments.map(({ own }) => decodeSegment(own));
    this.#counterMode.apply(sealed.filter((parts) => parts !== undefined));
    return segments.map(({ parent }, index) => {
      const parts = sealed[index];
      if (parts === undefined) return undefined;
      const synthetic = this.#synthetic(parent.synthetic, parts.data);
      if (synthetic !== parts.counter.toString('latin1')) return undefined;
      return { text: parts.data.toString('utf8'), synthetic };
    });
  }

  #openFolder(token: string): { name: string; folder: Place } {
    if (token === '') return { name: '', folder: this.#root };
    const cached = this.#opened.get(token);
    if (cached !== undefined) return cached;
    const slash = token.lastIndexOf('/');
    const parent = this.#openFolder(token.slice(0, Math.max(0, slash)));
    const own = token.slice(slash + 1);
    const [segment] = this.#openSegments([{ parent: parent.folder, own }]);
    if (segment === undefined) throw unknownToken(own);
    const { text, synthetic } = segment;
    const opened = { name: parent.name === '' ? text : `${parent.name}/${text}`, folder: { token, synthetic } };
    this.#opened.set(token, opened);
    return opened;
  }

  /**
   * The name that a token stands for.
   *
   * @throws SecureStoreError `INTEGRITY` for a token that no name of this store has
   */
  open(token: string): OpenedToken {
    // One token has one result.
    const result = this.openAll([token])[0] as TokenResult;
    if (SecureStoreError.is(result)) throw result;
    return result;
  }

  /** As {@link open}, for many tokens in one step of the cipher; the error of a foreign one is its result. */
  openAll(tokens: readonly string[]): TokenResult[] {
    const located = tokens.map((token) => this.#locateToken(token));
    const shown = located.filter((place) => 'own' in place);
    const segments = this.#openSegments(shown);
    let next = 0;
    return located.map((place) => {
      if (!('own' in place)) return place;
      const segment = segments[next++];
      if (segment === undefined) return unknownToken(place.own);
      return { name: place.folder === '' ? segment.text : `${place.folder}/${segment.text}` };
    });
  }

  /** The last segment of a token, and the name of the folder that it is in; or its result, if no segment is to be opened. */
  #locateToken(token: string): (TokenSegment & { readonly folder: string }) | TokenResult {
    const slash = token.lastIndexOf('/');
    const own = token.slice(slash + 1);
    const hidden = own.startsWith(FALLBACK);
    if (token.startsWith('/') || (hidden ? slash : token.length) > MAX_TOKEN) return unknownToken(own);
    try {
      const { name, folder } = this.#openFolder(token.slice(0, Math.max(0, slash)));
      return hidden ? { hidden } : { parent: folder, own, folder: name };
    } catch (error) {
      if (SecureStoreError.is(error, 'INTEGRITY')) return error;
      throw error;
    }
  }

  /** Forgets all names. */
  close(): void {
    this.#places.clear();
    this.#opened.clear();
    this.#counters = undefined;
  }
}
