import type { BackendCapabilities, StorageBackend } from '../contract/contract.ts';

/** What a wrapper does itself; everything else goes to the backend that it wraps. */
export interface Overrides extends Partial<Omit<StorageBackend, 'name' | 'capabilities'>> {
  /** What the wrapper declares, from what the wrapped backend declares. */
  readonly declare?: (inner: BackendCapabilities) => BackendCapabilities;
}

/**
 * A backend that passes every call on to `inner`, save for what `overrides` replaces. It has `batch`, `deleteMany`,
 * `capacity`, `localPath` and `resetClock` exactly where `inner` has them, also where that is only known after `init`.
 */
export function forwardTo(inner: StorageBackend, overrides: Overrides): StorageBackend {
  const { declare = (capabilities) => capabilities, ...methods } = overrides;
  const outer: StorageBackend = {
    get name() {
      return inner.name;
    },
    get capabilities() {
      return declare(inner.capabilities);
    },
    init: async (config) => {
      await (methods.init?.(config) ?? inner.init(config));
      adoptOptional(outer, inner, methods);
    },
    read: methods.read ?? (async (key, options) => inner.read(key, options)),
    write: methods.write ?? (async (key, body, options) => inner.write(key, body, options)),
    delete: methods.delete ?? (async (key, options) => inner.delete(key, options)),
    list: methods.list ?? (async (prefix, options) => inner.list(prefix, options)),
    close: methods.close ?? (async () => inner.close()),
  };
  adoptOptional(outer, inner, methods);
  return outer;
}

function adoptOptional(outer: StorageBackend, inner: StorageBackend, methods: Overrides): void {
  delete outer.batch;
  delete outer.deleteMany;
  delete outer.capacity;
  delete outer.localPath;
  delete outer.resetClock;
  if (inner.batch !== undefined) outer.batch = methods.batch ?? inner.batch.bind(inner);
  if (inner.deleteMany !== undefined) outer.deleteMany = methods.deleteMany ?? inner.deleteMany.bind(inner);
  if (inner.capacity !== undefined) outer.capacity = methods.capacity ?? inner.capacity.bind(inner);
  if (inner.localPath !== undefined) outer.localPath = methods.localPath ?? inner.localPath.bind(inner);
  if (inner.resetClock !== undefined) outer.resetClock = methods.resetClock ?? inner.resetClock.bind(inner);
}
