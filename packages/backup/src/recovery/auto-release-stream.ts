import type { RetrievedStream } from '@securestore/objects';

/**
 * Data that say when nobody reads them any more: at their end, when they are given up, when they fail, and when `signal` aborts, since whoever
 * is gone by then neither reads nor gives up anything.
 */
export function autoReleaseStream(
  found: RetrievedStream,
  release: () => void,
  signal: AbortSignal | undefined,
): RetrievedStream {
  const reader = found.stream.getReader();
  const ended = new AbortController();
  const over = (): void => {
    ended.abort();
    release();
  };
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        const abort = (): void => {
          over();
          controller.error(signal?.reason);
          reader.cancel(signal?.reason).catch(() => undefined);
        };
        if (signal?.aborted === true) abort();
        else signal?.addEventListener('abort', abort, { signal: ended.signal });
      },
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (signal?.aborted === true) return;
          if (!done) return controller.enqueue(value);
          over();
          controller.close();
        } catch (error) {
          over();
          throw error;
        }
      },
      async cancel(reason) {
        over();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return { ...found, stream };
}
