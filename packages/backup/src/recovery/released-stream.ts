import type { RetrievedStream } from '@securestore/objects';

/** Data that say when nobody reads them any more: at their end, where they are given up, and where they fail. */
export function releasedStream(found: RetrievedStream, release: () => void): RetrievedStream {
  const reader = found.stream.getReader();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          release();
          controller.close();
        } catch (error) {
          release();
          throw error;
        }
      },
      async cancel(reason) {
        release();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return { ...found, stream };
}
