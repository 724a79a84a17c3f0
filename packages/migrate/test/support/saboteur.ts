import type { Layer, StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';

/** What somebody does who controls the backend, before a call is answered. */
export interface Sabotage {
  readonly beforeList?: (prefix: string) => Promise<void>;
  readonly beforeWrite?: (name: string, body: Uint8Array) => Promise<void>;
  /** What is answered to a read, where that is not what lies there. */
  readonly answer?: (name: string) => Buffer | undefined;
}

/** A backend that is in somebody's hands. */
export function sabotaged({ beforeList, beforeWrite, answer }: Sabotage): Layer {
  return (inner: StorageBackend) =>
    forwardTo(inner, {
      async list(prefix, options) {
        await beforeList?.(prefix);
        return inner.list(prefix, options);
      },
      async read(name, options) {
        const found = await inner.read(name, options);
        const body = answer?.(name);
        return found === undefined || body === undefined ? found : { ...found, body, size: body.length };
      },
      async write(name, body, options) {
        await beforeWrite?.(name, body);
        return inner.write(name, body, options);
      },
    });
}

/** Has something done once, as soon as it says that it was. */
export function once(body: () => Promise<boolean>): () => Promise<void> {
  let done = false;
  return async () => {
    if (done) return;
    done = true;
    done = await body();
  };
}
