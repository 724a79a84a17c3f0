import assert from 'node:assert/strict';
import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import {
  assertBytes,
  bytes,
  everyMicrotask,
  mustRead,
  rejection,
  scanKeys,
  textOf,
  turns,
  utf8,
} from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

/** More writes than a backend has under way at once, so that some have to wait. */
const WAITING = 100;

/** Every call that takes a signal, writing and deleting other keys than those that must stay. */
function calls(backend: StorageBackend, signal: AbortSignal): [string, () => Promise<unknown>][] {
  const all: [string, () => Promise<unknown>][] = [
    ['read', async () => backend.read('kept', { signal })],
    ['write', async () => backend.write('new', bytes(100_000), { signal })],
    ['delete', async () => backend.delete('kept', { signal })],
    ['list', async () => backend.list('', { signal })],
  ];
  if (backend.batch !== undefined) {
    all.push(['batch', async () => backend.batch?.([{ type: 'write', key: 'new', body: utf8('x') }], { signal })]);
  }
  if (backend.deleteMany !== undefined)
    all.push(['deleteMany', async () => backend.deleteMany?.(['kept'], { signal })]);
  return all;
}

/** `AbortSignal` is honoured and leaves no half state. */
export const aborting: Concern = {
  name: 'abort signals',
  tests: [
    {
      name: 'an aborted signal stops every call before it does anything',
      run: async ({ backend }) => {
        await backend.write('kept', utf8('kept'));
        const reason = new Error('enough');
        for (const [name, call] of calls(backend, AbortSignal.abort(reason))) {
          const error = await rejection(call(), 'ABORTED');
          assert.equal(error.cause, reason, `${name}: the reason is the cause`);
          assert.equal(error.outcome, undefined, `${name}: nothing was sent, so the outcome is known`);
        }
        assert.deepEqual(await scanKeys(backend, ''), ['kept']);
        assert.equal(await textOf(backend, 'kept'), 'kept');
      },
    },
    {
      name: 'a signal aborted under way ends in all or nothing',
      run: async ({ backend }) => {
        const before = bytes(150_000, 1);
        const after = bytes(200_000, 2);
        const keys: string[] = [];
        for (let delay = 0; delay < 6; delay += 1) {
          // Not under the name of the last one, which may be written only now if nothing is known of it.
          const key = `body/${delay}`;
          keys.push(key);
          await backend.write(key, before);
          const controller = new AbortController();
          const write = backend.write(key, after, { signal: controller.signal });
          const outcome = write.then(
            () => 'written',
            (error: unknown) => error,
          );
          await turns(delay);
          controller.abort();
          const result = await outcome;
          if (result !== 'written') assert.ok(SecureStoreError.is(result, 'ABORTED'), `it ended in ${String(result)}`);
          const known = result === 'written' || (SecureStoreError.is(result) && result.outcome === undefined);
          const { body } = await mustRead(backend, key);
          const expected = known
            ? result === 'written'
              ? after
              : before
            : body.byteLength === 200_000
              ? after
              : before;
          assertBytes(body, expected, 'the body after the abort');
        }
        assert.deepEqual(await scanKeys(backend, ''), keys);
      },
    },
    {
      name: 'a signal aborted while writes wait stops those that have not begun, and no others',
      run: async ({ backend }) => {
        const controller = new AbortController();
        const { signal } = controller;
        const keys = Array.from({ length: WAITING }, (_, index) => `waiting/${String(index).padStart(3, '0')}`);
        const writes = keys.map(async (key, index) =>
          backend.write(key, bytes(10_000, index), isAborted(index) ? { signal } : {}),
        );
        const settled = Promise.allSettled(writes);
        controller.abort(new Error('enough'));
        let done = 0;
        for (const write of writes) void write.then(() => (done += 1)).catch(() => undefined);
        await everyMicrotask();
        const atOnce = done === keys.length;

        const outcomes = await settled;
        const found = new Set(await scanKeys(backend, 'waiting/'));
        for (const [index, outcome] of outcomes.entries()) {
          const key = keys[index] ?? '';
          if (outcome.status === 'fulfilled') assert.ok(found.has(key), `${key} was acknowledged and is not there`);
          else {
            // It has no signal of its own.
            if (!isAborted(index)) throw outcome.reason;
            const { outcome: known } = await rejection(Promise.reject(outcome.reason), 'ABORTED');
            assert.ok(known === 'unknown' || !found.has(key), `${key} was aborted with a known outcome and is there`);
          }
        }
        const stopped = outcomes.some(({ status }) => status === 'rejected');
        assert.ok(stopped || atOnce, `${WAITING / 2} writes were aborted in their first turn, and all were done`);
      },
    },
    {
      name: 'a batch aborted under way is all or nothing',
      needs: 'atomicBatch',
      run: async ({ backend }) => {
        for (let delay = 0; delay < 6; delay += 1) {
          const controller = new AbortController();
          const keys = [0, 1, 2].map((number) => `batch/${delay}/${number}`);
          const operations = keys.map((key): BatchOperation => ({ type: 'write', key, body: bytes(50_000, delay) }));
          const outcome = Promise.allSettled([backend.batch?.(operations, { signal: controller.signal })]);
          await turns(delay);
          controller.abort();
          const [result] = await outcome;
          const found = await scanKeys(backend, `batch/${delay}/`);
          assert.ok(
            found.length === 0 || found.length === keys.length,
            `${found.length} of ${keys.length} were written`,
          );
          if (result.status === 'fulfilled') assert.deepEqual(found, keys);
          else await rejection(Promise.reject(result.reason), 'ABORTED');
        }
      },
    },
    {
      name: 'reads and listings aborted under way leave the backend usable',
      run: async ({ backend }) => {
        await backend.write('kept', bytes(100_000));
        for (let delay = 0; delay < 4; delay += 1) {
          const controller = new AbortController();
          const { signal } = controller;
          const settled = Promise.allSettled([backend.read('kept', { signal }), backend.list('', { signal })]);
          await turns(delay);
          controller.abort();
          for (const outcome of await settled) {
            if (outcome.status === 'rejected') await rejection(Promise.reject(outcome.reason), 'ABORTED');
          }
        }
        assertBytes((await mustRead(backend, 'kept')).body, bytes(100_000), 'the body');
      },
    },
    {
      name: 'a signal aborted after the call changes nothing',
      run: async ({ backend }) => {
        const controller = new AbortController();
        await backend.write('kept', utf8('kept'), { signal: controller.signal });
        controller.abort();
        assert.equal(await textOf(backend, 'kept'), 'kept');
      },
    },
  ],
};

/** Every other one, so that those which go on are among those which don't. */
function isAborted(index: number): boolean {
  return index % 2 === 1;
}
