import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { ErrorCode } from '@securestore/core-format';
import { KEY_LENGTH, MAX_WRAPPED_SEED_BYTES, SecureStoreError } from '@securestore/core-format';
import type { KeyWrapper, WrapContext } from './key-wrapper.ts';
import { keyWrapper } from './key-wrapper.ts';
import { randomPool } from '../primitives/random.ts';

/** A key wrapper to test, in the states that it can be brought into. */
export interface KeyWrapperSubject {
  /** Heads the tests. */
  readonly name: string;
  /** A wrapper that may use its key. Called again for what another process does with the same key. */
  readonly open: () => KeyWrapper | Promise<KeyWrapper>;
  /** The wrapper where its service can't be reached: a wrong host, or a client that is made to fail. */
  readonly unreachable?: () => KeyWrapper | Promise<KeyWrapper>;
  /** The wrapper for somebody who may not use its key. */
  readonly refused?: () => KeyWrapper | Promise<KeyWrapper>;
  /** How long a call may take, in milliseconds, before it counts as one that hangs; by default 10,000. */
  readonly timeLimit?: number;
}

/** One promise of {@link KeyWrapper}. */
export interface KeyWrapperTest {
  readonly name: string;
  /** What the subject must be able to, for this to be tested. */
  readonly needs?: 'unreachable' | 'refused';
  readonly run: (subject: KeyWrapperSubject) => Promise<void>;
}

const DEFAULT_TIME_LIMIT = 10_000;
const CONTEXT: WrapContext = { lineage: '0a', fingerprint: '1b', slot: '2c' };
const REFUSED: readonly ErrorCode[] = ['UNLOCK_FAILED', 'ACCESS_DENIED', 'UNAUTHENTICATED'];
const RETRYABLE: readonly ErrorCode[] = ['UNAVAILABLE', 'TIMEOUT', 'THROTTLED'];

const random = randomPool();
const newKey = (): Uint8Array => Uint8Array.from(random(KEY_LENGTH));

/** A wrapper whose calls end. */
class Tested {
  readonly #wrapper: KeyWrapper;
  readonly #limit: number;

  constructor(wrapper: KeyWrapper, { timeLimit = DEFAULT_TIME_LIMIT }: KeyWrapperSubject) {
    this.#wrapper = wrapper;
    this.#limit = timeLimit;
  }

  wrap(key: Uint8Array, context: WrapContext = CONTEXT, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#call('wrap', key, context, signal);
  }

  unwrap(wrapped: Uint8Array, context: WrapContext = CONTEXT, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#call('unwrap', wrapped, context, signal);
  }

  async #call(
    kind: 'wrap' | 'unwrap',
    bytes: Uint8Array,
    context: WrapContext,
    signal = new AbortController().signal,
  ): Promise<Uint8Array> {
    const { promise: hanging, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new assert.AssertionError({ message: `${kind} hangs` })), this.#limit);
    try {
      const result: unknown = await Promise.race([this.#wrapper[kind](bytes, context, { signal }), hanging]);
      assert.ok(result instanceof Uint8Array, `${kind} gave something other than a Uint8Array`);
      return result;
    } finally {
      clearTimeout(timer);
    }
  }
}

const opened = async (subject: KeyWrapperSubject): Promise<Tested> => new Tested(await subject.open(), subject);

/** The error of a call that must fail. */
async function failureOf(call: Promise<unknown>, what: string): Promise<unknown> {
  const error: unknown = await call.then(
    () => assert.fail(`${what}, and it did not fail`),
    (reason: unknown) => reason,
  );
  if (error instanceof assert.AssertionError) throw error;
  return error;
}

async function failsWith(call: Promise<unknown>, codes: readonly ErrorCode[], what: string): Promise<void> {
  const error = await failureOf(call, what);
  assert.ok(SecureStoreError.is(error), `${what}, and it failed with something other than a SecureStoreError`);
  assert.ok(codes.includes(error.code), `${what}, and it failed with ${error.code} instead of ${codes.join(' or ')}`);
  assert.equal(error.retryable, codes === RETRYABLE, `${what}, and its error says retryable: ${error.retryable}`);
}

function sameBytes(found: Uint8Array, expected: Uint8Array, what: string): void {
  // Without the bytes, which `deepEqual` would print.
  assert.equal(Buffer.compare(found, expected), 0, what);
}

/** Every form in which a key could be read from an error. */
function assertSilent(error: unknown, key: Uint8Array): void {
  // Numbers stand in columns there.
  const shown = inspect(error, { depth: 8, showHidden: true, maxArrayLength: null }).replaceAll(/\s+/g, ' ');
  const bytes = Buffer.from(key);
  const spaced = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const forms = [bytes.toString('hex'), bytes.toString('base64').slice(0, 40), [...bytes].join(', '), spaced];
  assert.ok(!forms.some((form) => shown.includes(form)), 'an error holds the key');
}

const OTHER_CONTEXTS: readonly (keyof WrapContext)[] = ['lineage', 'fingerprint', 'slot'];

/** All that a {@link KeyWrapper} promises. */
export const KEY_WRAPPER_TESTS: readonly KeyWrapperTest[] = [
  {
    name: 'has an id that stays, and that a store takes',
    async run(subject) {
      const [one, another] = [await subject.open(), await subject.open()];
      keyWrapper(one);
      assert.equal(one.id, another.id, 'the id is another one each time');
    },
  },
  {
    name: 'unwraps what it wrapped, in this process and another one',
    async run(subject) {
      const [wrapper, another] = [await opened(subject), await opened(subject)];
      const key = newKey();
      const wrapped = await wrapper.wrap(Uint8Array.from(key));
      sameBytes(await wrapper.unwrap(Uint8Array.from(wrapped)), key, 'it unwraps another key');
      sameBytes(await another.unwrap(Uint8Array.from(wrapped)), key, 'another process unwraps another key');
    },
  },
  {
    name: 'gives bytes of the right length, in which the key does not show',
    async run(subject) {
      const wrapper = await opened(subject);
      const key = newKey();
      const wrapped = await wrapper.wrap(Uint8Array.from(key));
      const { length } = wrapped;
      assert.ok(length > 0 && length <= MAX_WRAPPED_SEED_BYTES, `it gives ${length} bytes`);
      assert.ok(!Buffer.from(wrapped).includes(Buffer.from(key)), 'the key shows');
    },
  },
  {
    name: 'unwraps for no other context',
    async run(subject) {
      const wrapper = await opened(subject);
      const wrapped = await wrapper.wrap(newKey());
      for (const name of OTHER_CONTEXTS) {
        const other = { ...CONTEXT, [name]: '3d' };
        await failsWith(wrapper.unwrap(Uint8Array.from(wrapped), other), REFUSED, `another ${name} was given`);
      }
    },
  },
  {
    name: 'unwraps no other bytes than it gave',
    async run(subject) {
      const wrapper = await opened(subject);
      const wrapped = await wrapper.wrap(newKey());
      for (const at of [0, wrapped.length >> 1, wrapped.length - 1]) {
        const changed = Uint8Array.from(wrapped, (byte, index) => (index === at ? byte ^ 1 : byte));
        await failsWith(wrapper.unwrap(changed), REFUSED, `byte ${at} was changed`);
      }
      await failsWith(wrapper.unwrap(wrapped.slice(0, -1)), REFUSED, 'the last byte was cut off');
    },
  },
  {
    name: 'leaves the bytes that it is given as they are, and does not need them later',
    async run(subject) {
      const wrapper = await opened(subject);
      const key = newKey();
      const given = Uint8Array.from(key);
      const wrapped = await wrapper.wrap(given);
      sameBytes(given, key, 'it changed the key');
      given.fill(0);
      const kept = Uint8Array.from(wrapped);
      sameBytes(await wrapper.unwrap(kept), key, 'the key was needed after wrap had returned');
      sameBytes(kept, wrapped, 'it changed the wrapped key');
    },
  },
  {
    name: 'gives arrays that are the caller’s own',
    async run(subject) {
      const wrapper = await opened(subject);
      const key = newKey();
      const wrapped = await wrapper.wrap(Uint8Array.from(key));
      const kept = Uint8Array.from(wrapped);
      wrapped.fill(0);
      (await wrapper.unwrap(Uint8Array.from(kept))).fill(0);
      sameBytes(await wrapper.unwrap(Uint8Array.from(kept)), key, 'what the caller does to its array comes back');
    },
  },
  {
    name: 'keeps calls at the same time apart',
    async run(subject) {
      const wrapper = await opened(subject);
      const keys = Array.from({ length: 10 }, newKey);
      const wrapped = await Promise.all(keys.map((key) => wrapper.wrap(Uint8Array.from(key))));
      const found = await Promise.all(wrapped.map((bytes) => wrapper.unwrap(Uint8Array.from(bytes))));
      for (const [index, key] of keys.entries()) sameBytes(found[index] ?? key.subarray(1), key, 'keys are mixed up');
    },
  },
  {
    name: 'does nothing once its signal has aborted',
    async run(subject) {
      const wrapper = await opened(subject);
      const wrapped = await wrapper.wrap(newKey());
      const aborted = AbortSignal.abort();
      await failureOf(wrapper.wrap(newKey(), CONTEXT, aborted), 'its signal had aborted before wrap');
      await failureOf(wrapper.unwrap(wrapped, CONTEXT, aborted), 'its signal had aborted before unwrap');
    },
  },
  {
    name: 'says that its service can not be reached, so that it may be tried again',
    needs: 'unreachable',
    async run(subject) {
      const wrapped = await (await opened(subject)).wrap(newKey());
      const cut = new Tested(await (subject.unreachable?.() ?? subject.open()), subject);
      await failsWith(cut.unwrap(wrapped), RETRYABLE, 'the service could not be reached');
      await failsWith(cut.wrap(newKey()), RETRYABLE, 'the service could not be reached');
    },
  },
  {
    name: 'says that its service refuses, for good',
    needs: 'refused',
    async run(subject) {
      const wrapped = await (await opened(subject)).wrap(newKey());
      const stranger = new Tested(await (subject.refused?.() ?? subject.open()), subject);
      await failsWith(stranger.unwrap(wrapped), REFUSED, 'the service had refused');
    },
  },
  {
    name: 'tells nothing of the key in its errors',
    needs: 'unreachable',
    async run(subject) {
      const cut = new Tested(await (subject.unreachable?.() ?? subject.open()), subject);
      const key = newKey();
      assertSilent(await failureOf(cut.wrap(Uint8Array.from(key)), 'the service could not be reached'), key);
    },
  },
];
