import { type ListEntry, forwardTo, isBackendKeyPrefix } from '@securestore/backend-api';
import type { FaultyBackend } from './faulty-backend.ts';
import { everything, inLocaleOrder, isValid } from './listings.ts';

/** What skips, repeats, invents or misplaces keys. */
export const faultyListings: readonly FaultyBackend[] = [
  {
    name: 'unordered-list',
    breaks: 'byte order',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) => {
          const page = await inner.list(prefix, options);
          return { ...page, entries: page.entries.toReversed() };
        },
      }),
  },
  {
    name: 'locale-order',
    breaks: 'byte order',
    foundBy: 'listing',
    wrap: (inner) => forwardTo(inner, { list: async (prefix, options) => inLocaleOrder(inner, prefix, options) }),
  },
  {
    name: 'skipping-page',
    breaks: 'no key is skipped between pages',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) => {
          const page = await inner.list(prefix, options);
          const skip = options?.after !== undefined && page.entries.length > 1;
          return skip ? { ...page, entries: page.entries.slice(1) } : page;
        },
      }),
  },
  {
    name: 'after-inclusive',
    breaks: 'a page starts strictly after its mark',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) => {
          const page = await inner.list(prefix, options);
          const { after } = options ?? {};
          if (after === undefined || !after.startsWith(prefix)) return page;
          const [mark] = (await everything(inner, after)).filter((entry) => entry.key === after);
          return mark === undefined ? page : { ...page, entries: [mark, ...page.entries] };
        },
      }),
  },
  {
    name: 'after-must-exist',
    breaks: 'the mark of a page need not exist',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) => {
          const { after } = options ?? {};
          if (after !== undefined && isValid(options) && (await inner.read(after)) === undefined) {
            return inner.list(prefix, options?.limit === undefined ? {} : { limit: options.limit });
          }
          return inner.list(prefix, options);
        },
      }),
  },
  {
    name: 'pages-by-offset',
    breaks: 'a scan beside deletions skips no key that was there throughout',
    foundBy: 'listing',
    wrap: (inner) => {
      const offsets = new Map<string, number>();
      return forwardTo(inner, {
        list: async (prefix, options) => {
          const { after, limit } = options ?? {};
          const offset = after === undefined ? 0 : offsets.get(`${prefix} ${after}`);
          if (limit === undefined || offset === undefined || !isValid(options)) return inner.list(prefix, options);
          const all = await everything(inner, prefix);
          const entries = all.slice(offset, offset + limit);
          const last = entries.at(-1)?.key;
          if (last !== undefined) offsets.set(`${prefix} ${last}`, offset + limit);
          return { entries, more: entries.length > 0 && all.length > offset + limit };
        },
      });
    },
  },
  {
    name: 'never-ending',
    breaks: 'the last page says that no more follow',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, { list: async (prefix, options) => ({ ...(await inner.list(prefix, options)), more: true }) }),
  },
  {
    name: 'first-page-only',
    breaks: 'a page that is cut off says that more follow',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, { list: async (prefix, options) => ({ ...(await inner.list(prefix, options)), more: false }) }),
  },
  {
    name: 'limit-ignored',
    breaks: 'a page is no longer than its limit',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) => {
          if (!isValid(options) || options?.limit === undefined) return inner.list(prefix, options);
          return inner.list(prefix, { ...options, limit: options.limit + 1 });
        },
      }),
  },
  {
    name: 'prefix-as-folder',
    breaks: 'a prefix is the start of a string',
    foundBy: 'listing',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) => {
          const page = await inner.list(prefix, options);
          const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
          return { ...page, entries: page.entries.filter(({ key }) => key === prefix || key.startsWith(folder)) };
        },
      }),
  },
  {
    name: 'any-prefix',
    breaks: 'a prefix that no key can start with is refused',
    foundBy: 'keys',
    wrap: (inner) =>
      forwardTo(inner, {
        list: async (prefix, options) =>
          isBackendKeyPrefix(prefix) ? inner.list(prefix, options) : { entries: [], more: false },
      }),
  },
  {
    name: 'late-visibility',
    breaks: 'a listing sees every write that resolved before it began',
    foundBy: 'listing',
    wrap: (inner) => {
      let latest: string | undefined;
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const fresh = await inner.read(key).catch(() => undefined);
          const written = await inner.write(key, body, options);
          latest = fresh === undefined ? key : undefined;
          return written;
        },
        list: async (prefix, options) => {
          const page = await inner.list(prefix, options);
          const hidden = latest;
          latest = undefined;
          return { ...page, entries: page.entries.filter(({ key }) => key !== hidden) };
        },
      });
    },
  },
  {
    name: 'ghost-folders',
    breaks: 'a deletion leaves no ghost of what was above it',
    foundBy: 'keys',
    wrap: (inner) => {
      const ghosts = new Map<string, ListEntry>();
      return forwardTo(inner, {
        delete: async (key, options) => {
          await inner.delete(key, options);
          const folder = key.slice(0, Math.max(key.lastIndexOf('/'), 0));
          if (folder !== '') ghosts.set(folder, { key: folder, size: 0, modified: 0 });
        },
        list: async (prefix, options) => {
          const page = await inner.list(prefix, options);
          if (options?.after !== undefined) return page;
          return {
            ...page,
            entries: [...page.entries, ...ghosts.values()].filter(({ key }) => key.startsWith(prefix)),
          };
        },
      });
    },
  },
  {
    name: 'deletes-what-is-below',
    breaks: 'deleting a key leaves the keys below it',
    foundBy: 'keys',
    wrap: (inner) =>
      forwardTo(inner, {
        delete: async (key, options) => {
          await inner.delete(key, options);
          for (const below of await everything(inner, `${key}/`)) await inner.delete(below.key);
        },
      }),
  },
];
