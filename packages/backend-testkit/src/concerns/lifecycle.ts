import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { assertStorable } from '@securestore/backend-api';
import { assertBytes, bytes, etagOf, mustRead, rejection, scanKeys, utf8 } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

/** How many handles are opened and closed to see what they leave behind. */
const HANDLES = 8;

/** How many of each kind of thing keep this process from exiting. */
function activeResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  // What merely is about to run.
  for (const passing of ['Immediate', 'TickObject', 'Microtask']) counts.delete(passing);
  return counts;
}

/** The kinds that grew with the handles; a test runner has timers of its own that come and go. */
function added(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string[] {
  const grown = [...after].filter(([kind, count]) => count - (before.get(kind) ?? 0) > HANDLES / 2);
  return grown.map(([kind]) => kind);
}

/** What is declared, what lasts, and how it ends. */
export const lifecycle: Concern = {
  name: 'lifecycle',
  tests: [
    {
      name: 'it declares every mandatory capability, and limits that make sense',
      run: async ({ backend, capabilities }) => {
        assertStorable(capabilities, backend.name);
        for (const limit of ['maxBodyBytes', 'maxBatch', 'maxDeleteMany', 'modifiedResolution', 'clockSkew'] as const) {
          assert.ok(
            Number.isFinite(capabilities[limit]) && capabilities[limit] >= 0,
            `${limit}: ${capabilities[limit]}`,
          );
        }
        assert.equal(capabilities.maxBatch > 0, capabilities.atomicBatch, 'maxBatch goes with atomicBatch');
        assert.equal(capabilities.maxDeleteMany > 0, capabilities.deleteMany, 'maxDeleteMany goes with deleteMany');
        assert.match(backend.name, /^[a-z][a-z0-9-]*$/);
      },
    },
    {
      name: 'init does nothing on a backend that is initialised already',
      run: async ({ backend }) => {
        await backend.write('kept', bytes(10, 1));
        await backend.init({ url: 'other:elsewhere', options: {} });
        assertBytes((await mustRead(backend, 'kept')).body, bytes(10, 1), 'the body');
      },
    },
    {
      name: 'opening and reading create nothing',
      skip: ({ isLocal }) => (isLocal ? undefined : 'it has no localPath'),
      run: async ({ backend }) => {
        await backend.read('nothing');
        await backend.list('');
        const path = backend.localPath?.();
        await backend.close();
        assert.ok(path !== undefined, 'localPath() gives nothing any more');
        const isFolder = existsSync(path) && statSync(path).isDirectory();
        const left = isFolder ? readdirSync(path) : existsSync(path) ? [path] : [];
        assert.deepEqual(left, [], 'a store URL that was mistyped leaves this behind');
      },
    },
    {
      name: 'what was written lasts beyond close, with its etag and time',
      run: async ({ backend, open }) => {
        await backend.write('kept', bytes(70_000, 1));
        await backend.write('kept/too', bytes(10, 2));
        await backend.write('gone', bytes(10));
        await backend.delete('gone');
        const keys = ['kept', 'kept/too'];
        const before = await Promise.all(keys.map(async (key) => mustRead(backend, key)));
        await backend.close();
        const again = await open();
        assert.deepEqual(await scanKeys(again, ''), keys);
        for (const [index, key] of keys.entries()) {
          const { body, now: _now, ...after } = await mustRead(again, key);
          const { body: written, now: _then, ...expected } = before[index] ?? (await mustRead(again, key));
          assertBytes(body, written, key);
          assert.deepEqual(after, expected, `${key} after it was opened again`);
          await again.write(key, bytes(5), { ifMatch: after.etag ?? '' });
        }
      },
    },
    {
      name: 'an etag is never given to other bytes of its key, also after everything was closed',
      run: async ({ backend, open }) => {
        const keys = ['first', 'second', 'third', 'gone'];
        const seen = new Map(keys.map((key) => [key, new Set<string>()]));
        let handle = backend;
        for (let turn = 0; turn < 3; turn += 1) {
          for (const [index, key] of keys.entries()) {
            const { etag } = await handle.write(key, bytes(64, turn * keys.length + index));
            assert.ok(seen.get(key)?.has(etag) === false, `${key} has an etag again that it had with other bytes`);
            seen.get(key)?.add(etag);
          }
          await handle.delete('gone');
          await handle.close();
          handle = await open();
        }
      },
    },
    {
      name: 'every acknowledged write of a busy handle lasts beyond its close',
      run: async ({ backend, open }) => {
        const all = Array.from({ length: 40 }, (_, index) => `kept/${String(index).padStart(2, '0')}`);
        await Promise.all(all.map(async (key) => backend.write(key, utf8(key))));
        await backend.close();
        assert.deepEqual(await scanKeys(await open(), 'kept/'), all);
      },
    },
    {
      name: 'two handles see the same',
      run: async ({ backend, open }) => {
        const other = await open();
        assert.deepEqual([await backend.read('shared'), await other.read('shared')], [undefined, undefined]);
        const first = await backend.write('shared', bytes(10));
        assert.equal(await etagOf(other, 'shared'), first.etag);
        const second = await other.write('shared', bytes(100, 1));
        assert.equal(await etagOf(backend, 'shared'), second.etag);
        await backend.write('late', bytes(1));
        assert.deepEqual(await scanKeys(other, ''), ['late', 'shared']);
        assertBytes((await mustRead(other, 'shared')).body, bytes(100, 1), 'the body, through the other handle');
        await other.close();
        assertBytes((await mustRead(backend, 'shared')).body, bytes(100, 1), 'the body, after the other was closed');
      },
    },
    {
      name: 'close may be called again, also at the same time',
      run: async ({ backend }) => {
        await Promise.all([backend.close(), backend.close()]);
        await backend.close();
      },
    },
    {
      name: 'close frees the sockets, files, threads and timers that keep a process alive',
      run: async ({ backend, open }) => {
        await backend.write('kept', utf8('x'));
        const before = activeResources();
        for (let handle = 0; handle < HANDLES; handle += 1) {
          const other = await open();
          await Promise.all([other.read('kept'), other.write('more', utf8('x')), other.list('')]);
          await other.close();
        }
        let left = added(before, activeResources());
        // Sockets and threads take some turns of the event loop to go, and on a busy machine seconds.
        for (let turn = 0; left.length > 0 && turn < 2000; turn += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          if (turn % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 100));
          left = added(before, activeResources());
        }
        assert.deepEqual(left, [], 'they are still there after close');
      },
    },
    {
      name: 'every call after close is UNAVAILABLE, and not to be retried',
      run: async ({ backend }) => {
        await backend.write('kept', utf8('x'));
        await backend.close();
        const late = [
          backend.read('kept'),
          backend.read('missing'),
          backend.write('new', utf8('x')),
          backend.delete('kept'),
          backend.list(''),
          ...(backend.batch === undefined ? [] : [backend.batch([{ type: 'delete', key: 'kept' }])]),
          ...(backend.deleteMany === undefined ? [] : [backend.deleteMany(['kept'])]),
        ];
        for (const outcome of await Promise.allSettled(late)) {
          assert.equal(outcome.status, 'rejected', 'a call after close succeeded');
          if (outcome.status !== 'rejected') continue;
          const error = await rejection(Promise.reject(outcome.reason), 'UNAVAILABLE');
          assert.equal(error.retryable, false);
        }
      },
    },
  ],
};
