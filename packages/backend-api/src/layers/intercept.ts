import type { BatchOperation, StorageBackend } from '../contract/contract.ts';
import { forwardTo } from './forward.ts';

/** A backend around a backend. */
export type Layer = (inner: StorageBackend) => StorageBackend;

/** The methods that layers act on; `init` and `close` go straight through. */
export type BackendOperation = 'read' | 'write' | 'delete' | 'list' | 'batch' | 'deleteMany';

/** One call of a backend, as layers see it. */
export interface BackendCall {
  readonly backend: string;
  readonly operation: BackendOperation;
  /** The key, or the prefix of a listing; absent for several keys. */
  readonly key?: string;
  /**
   * What it may change: nothing, something that a second call changes in the same way, or something under a condition,
   * which a second call may find changed by the first.
   */
  readonly effect: 'none' | 'repeatable' | 'conditional';
  /** The bytes of all bodies sent. */
  readonly sentBytes: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * What a layer does around every call.
 *
 * @param run - the call on the wrapped backend, with the given signal in place of the caller's; it may be run again
 */
export type Around = <T>(call: BackendCall, run: (signal: AbortSignal | undefined) => Promise<T>) => Promise<T>;

/** The layer that does `around` around every call; `create` is called once for each backend that is wrapped. */
export function intercept(create: () => Around): Layer {
  return (inner) => {
    const around = create();
    const describe = (
      operation: BackendOperation,
      rest: Pick<BackendCall, 'effect' | 'signal'> & { key?: string; sentBytes?: number },
    ): BackendCall => ({ backend: inner.name, operation, sentBytes: 0, ...rest });
    return forwardTo(inner, {
      read: async (key, options) =>
        around(describe('read', { key, effect: 'none', signal: options?.signal }), async (signal) =>
          inner.read(key, { ...options, signal }),
        ),
      write: async (key, body, options) => {
        const conditional = options?.ifAbsent !== undefined || options?.ifMatch !== undefined;
        const effect = conditional ? 'conditional' : 'repeatable';
        const call = describe('write', { key, effect, signal: options?.signal, sentBytes: body?.byteLength ?? 0 });
        return around(call, async (signal) => inner.write(key, body, { ...options, signal }));
      },
      delete: async (key, options) => {
        const effect = options?.ifMatch === undefined ? 'repeatable' : 'conditional';
        const call = describe('delete', { key, effect, signal: options?.signal });
        return around(call, async (signal) => inner.delete(key, { ...options, signal }));
      },
      list: async (prefix, options) =>
        around(describe('list', { key: prefix, effect: 'none', signal: options?.signal }), async (signal) =>
          inner.list(prefix, { ...options, signal }),
        ),
      batch: async (operations, options) => {
        const call = describe('batch', { ...summarise(operations), signal: options?.signal });
        return around(call, async (signal) => inner.batch?.(operations, { signal }) ?? []);
      },
      deleteMany: async (keys, options) =>
        around(describe('deleteMany', { effect: 'repeatable', signal: options?.signal }), async (signal) =>
          inner.deleteMany?.(keys, { signal }),
        ),
    });
  };
}

/**
 * `backend` inside `layers`; each wraps what comes before it, so the last one is met first by a call.
 * A usual order: timeout, concurrency limit, retry, tracing. So the time of a call begins when it has its turn, and a
 * pause between two attempts takes nobody's turn.
 */
export function composeLayers(backend: StorageBackend, layers: readonly Layer[]): StorageBackend {
  return layers.reduce((inner, layer) => layer(inner), backend);
}

/** The bytes of all bodies that a batch sends. */
export function sentBytes(operations: readonly BatchOperation[]): number {
  // What is malformed is for the backend to refuse.
  const known = Array.isArray(operations) ? (operations as readonly BatchOperation[]) : [];
  return known.reduce(
    (bytes, operation) => bytes + (operation.type === 'write' ? (operation.body?.byteLength ?? 0) : 0),
    0,
  );
}

function summarise(operations: readonly BatchOperation[]): Pick<BackendCall, 'effect' | 'sentBytes'> {
  let conditional = false;
  for (const operation of Array.isArray(operations) ? operations : []) {
    conditional ||= operation.ifMatch !== undefined || (operation.type === 'write' && operation.ifAbsent !== undefined);
  }
  return { effect: conditional ? 'conditional' : 'repeatable', sentBytes: sentBytes(operations) };
}
