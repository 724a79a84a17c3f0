import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortedError, checkSignal, forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { FaultyBackend } from './faulty-backend.ts';

/** What ignores signals, or goes too far for them. */
export const faultySignals: readonly FaultyBackend[] = [
  {
    name: 'signal-ignored',
    breaks: 'an aborted signal stops every call',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => inner.write(key, body, { ...options, signal: undefined }),
        list: async (prefix, options) => inner.list(prefix, { ...options, signal: undefined }),
      }),
  },
  {
    name: 'signal-as-plain-error',
    breaks: 'a signal under way ends in ABORTED',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          await new Promise((resolve) => setImmediate(resolve));
          if (options?.signal?.aborted === true) throw new Error('aborted');
          return found;
        },
      }),
  },
  {
    name: 'undone-by-a-late-abort',
    breaks: 'a signal aborted after the call changes nothing',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          options?.signal?.addEventListener('abort', () => void inner.delete(key));
          return written;
        },
      }),
  },
  {
    name: 'half-written-on-abort',
    breaks: 'an abort leaves no half state',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          if (options?.signal === undefined) return written;
          await new Promise((resolve) => setImmediate(resolve));
          if (!options.signal.aborted) return written;
          await inner.write(key, body.subarray(0, 1));
          throw new SecureStoreError('ABORTED', 'aborted', { cause: options.signal.reason });
        },
      }),
  },
  {
    name: 'signal-ignored-in-line',
    breaks: 'a signal is honoured while a write waits',
    foundBy: 'abort signals',
    wrap: (inner) => {
      let line: Promise<unknown> = Promise.resolve();
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const { signal, ...conditions } = options ?? {};
          checkSignal(signal, { backend: inner.name, operation: 'write', key });
          const owned = body instanceof Uint8Array ? body.slice() : body;
          const turn = line.then(async () => {
            await nextTurn();
            return inner.write(key, owned, conditions);
          });
          line = turn.catch(() => undefined);
          return turn;
        },
      });
    },
  },
  {
    name: 'one-signal-for-all',
    breaks: 'a signal stops no other calls',
    foundBy: 'abort signals',
    wrap: (inner) => {
      let group: AbortSignal[] = [];
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const together = group;
          if (options?.signal !== undefined) together.push(options.signal);
          await nextTurn();
          group = [];
          const aborted = together.find((signal) => signal.aborted);
          return inner.write(key, body, aborted === undefined ? options : { ...options, signal: aborted });
        },
      });
    },
  },
  {
    name: 'sends-on-after-an-abort',
    breaks: 'the backend keeps no reference to a body when its write was aborted',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const { signal, ...conditions } = options ?? {};
          if (signal === undefined || signal.aborted) return inner.write(key, body, options);
          const sent = nextTurn().then(async () => inner.write(key, body, conditions));
          const site = { backend: inner.name, operation: 'write', key };
          const aborted = once(signal, 'abort').then(() => {
            throw abortedError(site, signal.reason, 'unknown');
          });
          return Promise.race([sent, aborted]);
        },
      }),
  },
];
