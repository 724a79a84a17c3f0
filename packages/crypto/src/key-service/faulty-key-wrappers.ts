import { SecureStoreError } from '@securestore/core-format';
import type { KeyWrapper, WrapContext, WrapOptions } from './key-wrapper.ts';
import type { KeyWrapperSubject } from './key-wrapper-contract.ts';
import { memoryKeyService } from './memory-key-service.ts';
import { randomPool } from '../primitives/random.ts';

/** A key wrapper that breaks one promise. */
export interface FaultyKeyWrapper {
  readonly name: string;
  /** The names of tests of the contract that notice it, or their beginnings. */
  readonly noticedBy: readonly string[];
  readonly make: () => KeyWrapperSubject;
}

type Change = (wrapper: KeyWrapper) => Partial<KeyWrapper>;

/** Calls that are slow enough to count as hanging where they never end. */
const TIME_LIMIT = 50;

/** A good subject of which the wrapper that works is changed. */
function faulty(name: string, noticedBy: string | readonly string[], change: Change): FaultyKeyWrapper {
  const make = (): KeyWrapperSubject => {
    const service = memoryKeyService();
    const open = (): KeyWrapper => ({ ...service.open(), ...change(service.open()) });
    return { ...service, open, name, timeLimit: TIME_LIMIT };
  };
  return { name, noticedBy: typeof noticedBy === 'string' ? [noticedBy] : noticedBy, make };
}

/** A good subject of which a wrapper that should fail does so in another way. */
function failing(
  name: string,
  noticedBy: string,
  state: 'unreachable' | 'refused',
  errorOf: (bytes: Uint8Array) => Error,
): FaultyKeyWrapper {
  const fail = async (bytes: Uint8Array): Promise<never> => {
    throw errorOf(bytes);
  };
  const make = (): KeyWrapperSubject => {
    const service = memoryKeyService();
    return { ...service, name, [state]: (): KeyWrapper => ({ id: service.open().id, wrap: fail, unwrap: fail }) };
  };
  return { name, noticedBy: [noticedBy], make };
}

/** As if `name` were no part of the context. */
function without(name: keyof WrapContext): FaultyKeyWrapper {
  const blind = (context: WrapContext): WrapContext => ({ ...context, [name]: '' });
  return faulty(`ignores the ${name} of the context`, 'unwraps for no other context', ({ wrap, unwrap }) => ({
    wrap: (key, context, options) => wrap(key, blind(context), options),
    unwrap: (wrapped, context, options) => unwrap(wrapped, blind(context), options),
  }));
}

const never = (): Promise<never> => new Promise<never>(() => undefined);
const live = (): WrapOptions => ({ signal: new AbortController().signal });
const ROUND_TRIP = 'unwraps what it wrapped';

const OF_KEYS: readonly FaultyKeyWrapper[] = [
  faulty('unwraps another key', ROUND_TRIP, ({ unwrap }) => ({
    unwrap: async (...call) => (await unwrap(...call)).toReversed(),
  })),
  faulty('unwraps in the process that wrapped alone', ROUND_TRIP, () => memoryKeyService().open()),
  faulty('gives text', ROUND_TRIP, ({ wrap }) => ({
    wrap: async (...call) => Buffer.from(await wrap(...call)).toString('base64') as unknown as Uint8Array,
  })),
  faulty('hangs when it wraps', ROUND_TRIP, () => ({ wrap: never })),
  faulty('hangs when it unwraps', ROUND_TRIP, () => ({ unwrap: never })),
  faulty('gives the key as it is', 'gives bytes of the right length', () => ({
    wrap: async (key) => Uint8Array.from(key),
    unwrap: async (wrapped) => Uint8Array.from(wrapped),
  })),
  faulty('gives too many bytes', 'gives bytes of the right length', ({ wrap, unwrap }) => ({
    wrap: async (...call) => Buffer.concat([await wrap(...call), Buffer.alloc(3000)]),
    unwrap: (wrapped, ...call) => unwrap(wrapped.subarray(0, -3000), ...call),
  })),
];

const OF_AUTHENTICITY: readonly FaultyKeyWrapper[] = [
  without('lineage'),
  without('fingerprint'),
  without('slot'),
  faulty('takes another context for a hitch', 'unwraps for no other context', ({ unwrap }) => ({
    unwrap: (...call) =>
      unwrap(...call).catch(() => {
        throw new SecureStoreError('UNAVAILABLE', 'try again');
      }),
  })),
  faulty('wraps without authentication', 'unwraps no other bytes', () => {
    const mask = Buffer.alloc(32, 0x5a);
    const masked = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes, (byte, at) => byte ^ (mask[at] ?? 0));
    return { wrap: async (key) => masked(key), unwrap: async (wrapped) => masked(wrapped) };
  }),
];

/** A buffer that every call writes its result into. */
function shared(): (bytes: Uint8Array) => Uint8Array {
  const buffers = new Map<number, Uint8Array>();
  return (bytes) => {
    const buffer = buffers.get(bytes.length) ?? new Uint8Array(bytes.length);
    buffers.set(bytes.length, buffer);
    buffer.set(bytes);
    return buffer;
  };
}

const OF_BUFFERS: readonly FaultyKeyWrapper[] = [
  faulty('wipes the key that it is given', 'leaves the bytes that it is given', ({ wrap }) => ({
    wrap: async (key, ...call) => {
      const wrapped = await wrap(key, ...call);
      key.fill(0);
      return wrapped;
    },
  })),
  faulty('keeps the array with the key', ['leaves the bytes that it is given'], ({ wrap, unwrap }) => {
    const known = new Map<string, Uint8Array>();
    return {
      wrap: async (key, ...call) => {
        const wrapped = await wrap(key, ...call);
        known.set(Buffer.from(wrapped).toString('hex'), key);
        return wrapped;
      },
      unwrap: async (wrapped, ...call) => {
        const key = known.get(Buffer.from(wrapped).toString('hex'));
        return key === undefined ? unwrap(wrapped, ...call) : Uint8Array.from(key);
      },
    };
  }),
  faulty('keeps what it unwrapped', 'gives arrays that are the caller', ({ unwrap }) => {
    const known = new Map<string, Uint8Array>();
    return {
      unwrap: async (wrapped, ...call) => {
        const name = Buffer.from(wrapped).toString('hex');
        const key = known.get(name) ?? (await unwrap(wrapped, ...call));
        known.set(name, key);
        return key;
      },
    };
  }),
  faulty('writes all results into one buffer', 'keeps calls at the same time apart', ({ wrap, unwrap }) => {
    const [ofWrap, ofUnwrap] = [shared(), shared()];
    return {
      wrap: async (...call) => ofWrap(await wrap(...call)),
      unwrap: async (...call) => ofUnwrap(await unwrap(...call)),
    };
  }),
  faulty('does not look at its signal', 'does nothing once its signal', ({ wrap, unwrap }) => ({
    wrap: (key, context) => wrap(key, context, live()),
    unwrap: (wrapped, context) => unwrap(wrapped, context, live()),
  })),
  faulty('has another id each time', 'has an id that stays', () => ({ id: randomPool()(8).toString('hex') })),
  faulty('has no id', 'has an id that stays', () => ({ id: '' })),
];

const CUT_OFF = 'says that its service can not be reached';

const OF_ERRORS: readonly FaultyKeyWrapper[] = [
  failing(
    'takes a lost connection for a refusal',
    CUT_OFF,
    'unreachable',
    () => new SecureStoreError('UNLOCK_FAILED', 'no'),
  ),
  failing('passes on the errors of its client', CUT_OFF, 'unreachable', () => new Error('connect ECONNREFUSED')),
  failing(
    'says that trying again is of no use',
    CUT_OFF,
    'unreachable',
    () => new SecureStoreError('UNAVAILABLE', 'no', { retryable: false }),
  ),
  failing(
    'takes a refusal for a hitch',
    'says that its service refuses',
    'refused',
    () => new SecureStoreError('UNAVAILABLE', 'try again'),
  ),
  failing(
    'puts the key into its error',
    'tells nothing of the key',
    'unreachable',
    (key) => new SecureStoreError('UNAVAILABLE', `could not wrap ${Buffer.from(key).toString('hex')}`),
  ),
  failing(
    'puts the request into its error',
    'tells nothing of the key',
    'unreachable',
    (key) => new SecureStoreError('UNAVAILABLE', 'no', { cause: { request: { Plaintext: Uint8Array.from(key) } } }),
  ),
];

/** Key wrappers that break one promise each: they prove that the contract notices it. */
export const FAULTY_KEY_WRAPPERS: readonly FaultyKeyWrapper[] = [
  ...OF_KEYS,
  ...OF_AUTHENTICITY,
  ...OF_BUFFERS,
  ...OF_ERRORS,
];
