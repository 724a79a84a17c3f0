import { forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { FaultyBackend } from './faulty-backend.ts';

function lowerCase(key: string): string {
  return typeof key === 'string' ? key.toLowerCase() : key;
}

/** What breaks clocks, signals, errors and the end. */
export const faultyLifecycles: readonly FaultyBackend[] = [
  {
    name: 'clock-runs-backwards',
    breaks: 'modified never runs backwards',
    foundBy: 'clock',
    wrap: (inner) => {
      const times = new Map<string, number>();
      let writes = 0;
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const { etag } = await inner.write(key, body, options);
          times.set(key, Number.MAX_SAFE_INTEGER - (writes += 1));
          return { etag };
        },
        read: async (key, options) => {
          const found = await inner.read(key, options);
          const modified = times.get(key);
          return found === undefined || modified === undefined ? found : { ...found, modified, now: modified };
        },
      });
    },
  },
  {
    name: 'modified-on-read',
    breaks: 'reading does not change modified',
    foundBy: 'clock',
    wrap: (inner) => {
      let reads = 0;
      return forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          return found === undefined ? undefined : { ...found, modified: found.modified + (reads += 1) };
        },
      });
    },
  },
  {
    name: 'no-now',
    breaks: 'now is given by every read where it is declared',
    foundBy: 'clock',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found === undefined) return undefined;
          const { body, size, modified, etag } = found;
          return etag === undefined ? { body, size, modified } : { body, size, modified, etag };
        },
      }),
  },
  {
    name: 'now-undeclared',
    breaks: 'now is given only where it is declared',
    foundBy: 'clock',
    wrap: (inner) => forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, now: false }) }),
  },
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
    name: 'plain-errors',
    breaks: 'errors are SecureStoreError',
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body, options).catch((error: unknown) => {
            throw new Error('it failed', { cause: error });
          }),
      }),
  },
  {
    name: 'open-after-close',
    breaks: 'calls after close are UNAVAILABLE',
    foundBy: 'lifecycle',
    wrap: (inner) => forwardTo(inner, { close: async () => undefined }),
  },
  {
    name: 'refuses-a-second-init',
    breaks: 'init does nothing on a backend that is initialised already',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      let ready = false;
      return forwardTo(inner, {
        init: async (config) => {
          if (ready) throw new SecureStoreError('INVALID_ARGUMENT', 'initialised already');
          ready = true;
          return inner.init(config);
        },
      });
    },
  },
  {
    name: 'leaks-a-timer',
    breaks: 'close frees what keeps the process alive',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      const timer = setInterval(() => undefined, 60_000);
      return forwardTo(inner, {
        close: async () => {
          // Late rather than never, so that the run of the suite itself can end.
          setTimeout(() => clearInterval(timer), 5_000).unref();
          return inner.close();
        },
      });
    },
  },
  {
    name: 'close-only-once',
    breaks: 'close is idempotent',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      let closed = false;
      return forwardTo(inner, {
        close: async () => {
          if (closed) throw new SecureStoreError('INTERNAL', 'closed already');
          closed = true;
          return inner.close();
        },
      });
    },
  },
  {
    name: 'private-cache',
    breaks: 'two handles see the same',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      const missing = new Set<string>();
      return forwardTo(inner, {
        write: async (key, body, options) => {
          missing.delete(key);
          return inner.write(key, body, options);
        },
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found === undefined) missing.add(key);
          return missing.has(key) ? undefined : found;
        },
      });
    },
  },
  {
    name: 'unflushed-write',
    breaks: 'a write is durable when it resolves',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      let latest: string | undefined;
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          latest = key;
          return written;
        },
        close: async () => {
          if (latest !== undefined) await inner.delete(latest).catch(() => undefined);
          return inner.close();
        },
      });
    },
  },
  {
    name: 'repaired-keys',
    breaks: 'what is no key is refused',
    foundBy: 'keys',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => inner.read(lowerCase(key), options),
        write: async (key, body, options) => inner.write(lowerCase(key), body, options),
        delete: async (key, options) => inner.delete(lowerCase(key), options),
      }),
  },
  {
    name: 'not-storable',
    breaks: 'mandatory capabilities are there',
    foundBy: 'lifecycle',
    wrap: (inner) => forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, listAfterWrite: false }) }),
  },
];
