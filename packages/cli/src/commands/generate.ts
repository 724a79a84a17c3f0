import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { ObjectInfo, SecureStore, StoreOptions } from 'securestore';
import type { Call } from '../call/call.ts';
import { infoRecord } from '../object/object-text.ts';
import { TO_REPLACE, withHints } from '../errors/refuse.ts';
import { withStore } from '../store/open.ts';
import { parseCount } from '../call/parse-values.ts';
import { bitsOf, type Charset, randomText } from '../object/random-text.ts';
import { bitsOfWords, randomWords } from '../object/random-words.ts';
import { count, printable } from '../terminal/terminal-text.ts';

export interface GenerateOptions {
  readonly length?: string;
  readonly charset?: Charset;
  readonly words?: boolean;
  readonly show?: boolean;
  readonly overwrite?: boolean;
}

/** How many units a secret has by default and at most. */
const LENGTHS = { character: [32, 1024], word: [8, 64] } as const;

/** With fewer bits a secret can be found by trying, if its hash is known. */
const WEAK_BITS = 80;

function lengthOf({ length }: GenerateOptions, unit: keyof typeof LENGTHS): number {
  const [usual, most] = LENGTHS[unit];
  if (length === undefined) return usual;
  const number = parseCount('--length', length);
  if (number >= 1 && number <= most) return number;
  throw new SecureStoreError('INVALID_ARGUMENT', `--length must be from 1 to ${most}, got ${number}`);
}

/** What is generated: how long, how strong, and how it is made. */
interface Recipe {
  readonly size: string;
  readonly bits: number;
  readonly make: () => Buffer;
}

function recipeOf(options: GenerateOptions): Recipe {
  if (options.words === true) {
    const length = lengthOf(options, 'word');
    return { size: count(length, 'word'), bits: bitsOfWords(length), make: () => randomWords(length) };
  }
  const length = lengthOf(options, 'character');
  const charset = options.charset ?? 'alnum';
  const bits = Math.floor(bitsOf(length, charset));
  return { size: count(length, 'character'), bits, make: () => randomText(length, charset) };
}

/** `securestore generate`. @throws `CONFLICT` if the object exists, and is not to be replaced */
export async function generate(call: Call<GenerateOptions>, key: string): Promise<void> {
  const { cli, out, options } = call;
  parseStoreKey(key);
  const { size, bits, make } = recipeOf(options);
  await withStore(call, async (store) => {
    const storedWith = options.overwrite === true ? await keeping(store, key, cli.signal) : { ifAbsent: true };
    const secret = make();
    try {
      const storing = store.store(key, secret, { ...storedWith, signal: cli.signal });
      const info = await storing.catch((error: unknown) => {
        const isThere = options.overwrite !== true && SecureStoreError.is(error, 'CONFLICT');
        throw isThere ? withHints(error, TO_REPLACE) : error;
      });
      await report(call, info, secret, `${size} (${count(bits, 'bit')})`);
    } finally {
      secret.fill(0);
    }
    if (bits < WEAK_BITS) out.warning(`the secret has ${count(bits, 'bit')}; at least ${WEAK_BITS} resist guessing`);
  });
}

/** A new secret in the place of another one is the same object: only its data are new. */
async function keeping(store: SecureStore, key: string, signal: AbortSignal): Promise<StoreOptions> {
  try {
    const { version, metadata, expires } = await store.info(key, { signal });
    return { metadata, ifVersion: version, ...(expires === undefined ? {} : { expires }) };
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return { ifAbsent: true };
    throw error;
  }
}

async function report(
  { out, options }: Call<GenerateOptions>,
  info: ObjectInfo,
  secret: Buffer,
  size: string,
): Promise<void> {
  const stored = `stored ${printable(info.key)}, ${size}, version ${info.version}`;
  if (options.show !== true) return await out.result(infoRecord(info), () => stored);
  // The secret is alone on stdout, for a program that takes it from there.
  out.note(stored);
  await out.result({ ...infoRecord(info), encoding: 'utf8', data: secret.toString() }, () => secret.toString());
}
