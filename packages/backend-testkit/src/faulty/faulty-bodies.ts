import { forwardTo, isBackendKey } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { FaultyBackend } from './faulty-backend.ts';

/** What damages bodies, or who owns them. */
export const faultyBodies: readonly FaultyBackend[] = [
  {
    name: 'torn-body',
    breaks: 'a write is atomic',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const plain = options?.ifAbsent === undefined && options?.ifMatch === undefined;
          if (plain && body instanceof Uint8Array && body.byteLength > 1)
            await inner.write(key, body.subarray(0, body.byteLength >> 1), options);
          return inner.write(key, body, options);
        },
      }),
  },
  {
    name: 'cut-large-body',
    breaks: 'a body up to maxBodyBytes is stored whole',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body instanceof Uint8Array ? body.subarray(0, 1_000_000) : body, options),
      }),
  },
  {
    name: 'empty-as-missing',
    breaks: 'an empty body exists',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          return found?.size === 0 ? undefined : found;
        },
      }),
  },
  {
    name: 'cuts-what-is-too-large',
    breaks: 'a body over the limit is TOO_LARGE',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(
            key,
            body instanceof Uint8Array ? body.subarray(0, inner.capabilities.maxBodyBytes) : body,
            options,
          ),
      }),
  },
  {
    name: 'overwrites-in-place',
    breaks: 'an overwrite replaces the whole body',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          if (!(body instanceof Uint8Array) || !isBackendKey(key)) return inner.write(key, body, options);
          const old = await inner.read(key);
          const tail = old?.body.subarray(body.byteLength) ?? new Uint8Array();
          return inner.write(key, Buffer.concat([body, tail]), options);
        },
      }),
  },
  {
    name: 'misses-without-etag',
    breaks: 'a reader without use for the etag gets the same',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => (options?.etag === false ? undefined : inner.read(key, options)),
      }),
  },
  {
    name: 'etag-of-digest',
    breaks: 'a body that comes with its digest has the same etag when it is read',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const result = await inner.write(key, body, options);
          const digest = options?.sha256;
          return digest === undefined ? result : { ...result, etag: Buffer.from(digest).toString('hex') };
        },
      }),
  },
  {
    name: 'shared-memory',
    breaks: "what a read gives is its caller's, who may give it away",
    foundBy: 'bodies',
    wrap: (inner) => {
      let page = new Uint8Array(4096);
      let used = 0;
      return forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found === undefined || found.body.byteLength > page.byteLength) return found;
          if (page.byteLength - used < found.body.byteLength) [page, used] = [new Uint8Array(4096), 0];
          const body = page.subarray(used, used + found.body.byteLength);
          used += body.byteLength;
          body.set(found.body);
          return { ...found, body };
        },
      });
    },
  },
  {
    name: 'retained-body',
    breaks: 'the backend keeps no reference to what it was given',
    foundBy: 'bodies',
    wrap: (inner) => {
      const given = new Map<string, { body: Uint8Array; etag: string }>();
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          given.set(key, { body, etag: written.etag });
          return written;
        },
        read: async (key, options) => {
          const found = await inner.read(key, options);
          const kept = given.get(key);
          return found?.etag === undefined || found.etag !== kept?.etag ? found : { ...found, body: kept.body.slice() };
        },
      });
    },
  },
  {
    name: 'shared-body',
    breaks: "a body that was read is the caller's",
    foundBy: 'bodies',
    wrap: (inner) => {
      const cached = new Map<string, { body: Uint8Array; etag: string }>();
      return forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found?.etag === undefined) return found;
          const hit = cached.get(key);
          if (hit?.etag === found.etag) return { ...found, body: hit.body };
          cached.set(key, { body: found.body, etag: found.etag });
          return found;
        },
      });
    },
  },
  {
    name: 'wipes-the-caller',
    breaks: 'the backend never changes what it was given',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          body.fill(0);
          return written;
        },
      }),
  },
  {
    name: 'stores-the-whole-buffer',
    breaks: 'a view is stored as the view alone',
    foundBy: 'bodies',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body instanceof Uint8Array ? new Uint8Array(body.buffer) : body, options),
      }),
  },
  {
    name: 'range-end-ignored',
    breaks: 'a range ends before end',
    foundBy: 'range reads',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          if (options?.start === undefined || options.end === undefined || options.end < options.start) {
            return inner.read(key, options);
          }
          return inner.read(key, { start: options.start, signal: options.signal });
        },
      }),
  },
  {
    name: 'impossible-range-mended',
    breaks: 'an impossible range is INVALID_ARGUMENT',
    foundBy: 'range reads',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const { start = 0, end = start } = options ?? {};
          return end < start ? inner.read(key, { start: end, end: start }) : inner.read(key, options);
        },
      }),
  },
  {
    name: 'range-end-inclusive',
    breaks: 'a range ends before end',
    foundBy: 'range reads',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) =>
          inner.read(key, Number(options?.end) >= 0 ? { ...options, end: Number(options?.end) + 1 } : options),
      }),
  },
  {
    name: 'size-of-the-range',
    breaks: 'size is that of the whole body',
    foundBy: 'range reads',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          return found === undefined ? undefined : { ...found, size: found.body.byteLength };
        },
      }),
  },
  {
    name: 'asks-for-the-size-later',
    breaks: 'a range and the size are of one body',
    foundBy: 'range reads',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found === undefined || found.body.byteLength > 0 || options?.start === undefined) return found;
          const later = await inner.read(key, { start: 0, end: 0, signal: options.signal });
          return later && { ...later, body: found.body };
        },
      }),
  },
  {
    name: 'swallowed-errors',
    breaks: 'an I/O failure is never mistaken for a missing key',
    foundBy: 'missing keys',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) =>
          inner.read(key, options).catch((error: unknown) => {
            if (SecureStoreError.is(error, 'UNAVAILABLE') && error.retryable) return undefined;
            throw error;
          }),
      }),
  },
  {
    name: 'misses-from-memory',
    breaks: 'an I/O failure is an error for a key that is not there, too',
    foundBy: 'missing keys',
    wrap: (inner) => {
      const written = new Set<string>();
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const result = await inner.write(key, body, options);
          written.add(key);
          return result;
        },
        read: async (key, options) =>
          inner.read(key, options).catch((error: unknown) => {
            if (!written.has(key) && SecureStoreError.is(error, 'UNAVAILABLE') && error.retryable) return undefined;
            throw error;
          }),
      });
    },
  },
  {
    name: 'missing-as-error',
    breaks: 'a missing key is undefined',
    foundBy: 'missing keys',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found === undefined) throw new SecureStoreError('NOT_FOUND', `${key} does not exist`, { key });
          return found;
        },
      }),
  },
  {
    name: 'delete-of-missing-as-error',
    breaks: 'deleting a missing key does nothing',
    foundBy: 'missing keys',
    wrap: (inner) =>
      forwardTo(inner, {
        delete: async (key, options) => {
          if (options?.ifMatch === undefined && (await inner.read(key)) === undefined) {
            throw new SecureStoreError('NOT_FOUND', `${key} does not exist`, { key });
          }
          return inner.delete(key, options);
        },
      }),
  },
];
