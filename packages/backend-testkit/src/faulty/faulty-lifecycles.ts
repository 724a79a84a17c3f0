import { forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaultyBackend } from './faulty-backend.ts';

function lowerCase(key: string): string {
  return typeof key === 'string' ? key.toLowerCase() : key;
}

/** What breaks errors, names and the end. */
export const faultyLifecycles: readonly FaultyBackend[] = [
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
    name: 'creates-when-opened',
    breaks: 'opening and reading create nothing',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      const path = join(tmpdir(), `securestore-faulty-${randomUUID()}`);
      const outer = forwardTo(inner, {
        close: async () => {
          await inner.close();
          // Once the test has looked.
          setImmediate(() => setImmediate(() => rmSync(path, { force: true })));
        },
      });
      const init = outer.init.bind(outer);
      // It takes over what the wrapped one has, so it has to be done by then.
      outer.init = async (config) => {
        await init(config);
        outer.localPath = () => path;
        writeFileSync(path, '');
      };
      return outer;
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
          // Late rather than never, so that the run of the suite itself can end; and long after the test has waited for it.
          setTimeout(() => clearInterval(timer), 60_000).unref();
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
