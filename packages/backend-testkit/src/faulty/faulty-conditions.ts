import { type WriteOptions, conflictError, forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { FaultyBackend } from './faulty-backend.ts';

function unconditional({ signal }: WriteOptions = {}): WriteOptions {
  return { signal };
}

/** What loses updates. */
export const faultyConditions: readonly FaultyBackend[] = [
  {
    name: 'dropped-if-absent',
    breaks: 'a condition is never dropped',
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body, options?.ifAbsent === true ? unconditional(options) : options),
      }),
  },
  {
    name: 'dropped-if-match',
    breaks: 'a condition is never dropped',
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body, options?.ifMatch === undefined ? options : unconditional(options)),
      }),
  },
  {
    name: 'check-then-write',
    breaks: 'of N racers on one condition exactly one wins',
    foundBy: 'races',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          if (options?.ifAbsent === undefined || options.ifMatch !== undefined) return inner.write(key, body, options);
          const found = await inner.read(key);
          if (found !== undefined) throw conflictError({ backend: inner.name, operation: 'write', key });
          return inner.write(key, body, unconditional(options));
        },
      }),
  },
  {
    name: 'lost-update',
    breaks: 'of N racers on one condition exactly one wins',
    foundBy: 'races',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          if (options?.ifMatch === undefined || options.ifAbsent !== undefined) return inner.write(key, body, options);
          const found = await inner.read(key);
          if (found?.etag !== options.ifMatch) throw conflictError({ backend: inner.name, operation: 'write', key });
          return inner.write(key, body, unconditional(options));
        },
      }),
  },
  {
    name: 'if-match-creates',
    breaks: 'ifMatch on a missing key is CONFLICT',
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const missing = options?.ifMatch !== undefined && (await inner.read(key)) === undefined;
          return inner.write(key, body, missing && options.ifAbsent === undefined ? unconditional(options) : options);
        },
      }),
  },
  {
    name: 'deleted-for-ever',
    breaks: 'ifAbsent writes where something was deleted',
    foundBy: 'conditions',
    wrap: (inner) => {
      const deleted = new Set<string>();
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const blocked = options?.ifAbsent === true && deleted.has(key);
          if (blocked) throw conflictError({ backend: inner.name, operation: 'write', key });
          return inner.write(key, body, options);
        },
        delete: async (key, options) => {
          await inner.delete(key, options);
          deleted.add(key);
        },
      });
    },
  },
  {
    name: 'silent-unconditional-delete',
    breaks: "a condition that can't be honoured is UNSUPPORTED",
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        declare: (capabilities) => ({ ...capabilities, conditionalDelete: false }),
        delete: async (key, options) => inner.delete(key, { signal: options?.signal }),
      }),
  },
  {
    name: 'conflict-as-unavailable',
    breaks: 'a failed condition is CONFLICT',
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body, options).catch((error: unknown) => {
            if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
            throw new SecureStoreError('UNAVAILABLE', 'try again', { key, backend: inner.name });
          }),
      }),
  },
  {
    name: 'etag-of-the-whole-store',
    breaks: 'an etag stays while its body does',
    foundBy: 'bodies',
    wrap: (inner) => {
      let writes = 0;
      const outward = (etag: string): string => `${etag}#${writes}`;
      return forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          return found?.etag === undefined ? found : { ...found, etag: outward(found.etag) };
        },
        write: async (key, body, options) => {
          const [ifMatch] = options?.ifMatch?.split('#') ?? [];
          const written = await inner.write(key, body, ifMatch === undefined ? options : { ...options, ifMatch });
          writes += 1;
          return { ...written, etag: outward(written.etag) };
        },
      });
    },
  },
  {
    name: 'etag-by-size',
    breaks: 'an etag changes whenever the bytes change',
    foundBy: 'bodies',
    wrap: (inner) => {
      const current = async (key: string): Promise<{ etag: string; real: string } | undefined> => {
        const found = await inner.read(key);
        return found?.etag === undefined ? undefined : { etag: `size-${found.size}`, real: found.etag };
      };
      return forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          return found?.etag === undefined ? found : { ...found, etag: `size-${found.size}` };
        },
        write: async (key, body, options) => {
          const found = options?.ifMatch === undefined ? undefined : await current(key);
          const ifMatch = found !== undefined && found.etag === options?.ifMatch ? found.real : options?.ifMatch;
          const written = await inner.write(key, body, ifMatch === undefined ? options : { ...options, ifMatch });
          return { ...written, etag: `size-${body.byteLength}` };
        },
      });
    },
  },
];
