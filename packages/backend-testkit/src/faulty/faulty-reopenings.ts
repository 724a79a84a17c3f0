import { type StorageBackend, forwardTo } from '@securestore/backend-api';
import type { FaultyBackend } from './faulty-backend.ts';
import { everything, inLocaleOrder } from './listings.ts';

/** Whole reads of everything that is there. */
async function etagsOf(backend: StorageBackend): Promise<Map<string, string>> {
  const etags = new Map<string, string>();
  for (const { key } of await everything(backend, '')) etags.set(key, (await backend.read(key))?.etag ?? '');
  return etags;
}

/** The etags of what was there when it was opened, which `init` fills in. */
function withEtagsOfBefore(inner: StorageBackend): {
  readonly old: Map<string, string>;
  readonly init: StorageBackend['init'];
} {
  const old = new Map<string, string>();
  return {
    old,
    init: async (config) => {
      await inner.init(config);
      old.clear();
      for (const [key, etag] of await etagsOf(inner)) old.set(key, etag);
    },
  };
}

/** What keeps its promises until it is opened again. A store URL that has something in it counts as that. */
export const faultyReopenings: readonly FaultyBackend[] = [
  {
    name: 'one-etag-when-opened-again',
    breaks: 'every etag lasts beyond close',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      const { old, init } = withEtagsOfBefore(inner);
      return forwardTo(inner, {
        init,
        read: async (key, options) => {
          const found = await inner.read(key, options);
          const [first] = old.values();
          return found?.etag === undefined || found.etag !== old.get(key) ? found : { ...found, etag: first ?? '' };
        },
      });
    },
  },
  {
    name: 'etags-begin-again',
    breaks: 'an etag is not given again to other bytes after everything was closed',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      const { old, init } = withEtagsOfBefore(inner);
      return forwardTo(inner, {
        init,
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          return { ...written, etag: old.get(key) ?? written.etag };
        },
      });
    },
  },
  {
    name: 'etags-count-versions',
    breaks: 'an etag is not given again to other bytes after a deletion',
    foundBy: 'bodies',
    wrap: (inner) => {
      const versions = new Map<string, number>();
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          const version = (versions.get(key) ?? 0) + 1;
          versions.set(key, version);
          return { ...written, etag: `version-${version}` };
        },
        delete: async (key, options) => {
          await inner.delete(key, options);
          versions.delete(key);
        },
      });
    },
  },
  {
    name: 'locale-order-when-opened-again',
    breaks: 'byte order lasts beyond close',
    foundBy: 'listing',
    wrap: (inner) => {
      let again = false;
      return forwardTo(inner, {
        init: async (config) => {
          await inner.init(config);
          again = (await everything(inner, '')).length > 0;
        },
        list: async (prefix, options) => (again ? inLocaleOrder(inner, prefix, options) : inner.list(prefix, options)),
      });
    },
  },
];
