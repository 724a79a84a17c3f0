import { type StorageBackend, forwardTo } from '@securestore/backend-api';
import type { FaultyBackend } from './faulty-backend.ts';

/** Marks what a handle writes, and `now`, by `clock` instead. */
function clockedBy(inner: StorageBackend, clock: () => number): StorageBackend {
  const times = new Map<string, number>();
  return forwardTo(inner, {
    write: async (key, body, options) => {
      const { etag } = await inner.write(key, body, options);
      times.set(key, clock());
      return { etag };
    },
    read: async (key, options) => {
      const found = await inner.read(key, options);
      return found === undefined ? undefined : { ...found, modified: times.get(key) ?? found.modified, now: clock() };
    },
    list: async (prefix, options) => {
      const page = await inner.list(prefix, options);
      const entries = page.entries.map((entry) => ({ ...entry, modified: times.get(entry.key) ?? entry.modified }));
      return { ...page, entries };
    },
  });
}

/** What is wrong with times. */
export const faultyClocks: readonly FaultyBackend[] = [
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
    name: 'clock-of-the-machine',
    breaks: 'modified never runs backwards, also when the clock of the machine is set back',
    foundBy: 'clock',
    wrap: (inner) => clockedBy(inner, () => Date.now()),
  },
  {
    name: 'forgets-the-last-time',
    breaks: 'modified never runs backwards, also after everything was closed',
    foundBy: 'clock',
    wrap: (inner) => {
      let last = 0;
      return clockedBy(inner, () => (last = Math.max(last, Date.now())));
    },
  },
];
