import type { StoreData } from '@securestore/objects';

async function* checked<T>(chunks: AsyncIterable<T>, check: () => Promise<void>): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    await check();
    yield chunk;
  }
  // Between the last chunk and the end of the data there may be hours.
  await check();
}

/** Data that comes in chunks, with `check` before each; what is there already is taken as it is. */
export function guardedChunks(data: StoreData, check: () => Promise<void>): StoreData {
  const inChunks = typeof data === 'object' && data !== null && Symbol.asyncIterator in data;
  return inChunks ? checked(data, check) : data;
}

/** A stream that fails as soon as `check` does, which it does before each chunk. */
export function guardedStream<T>(stream: ReadableStream<T>, check: () => Promise<void>): ReadableStream<T> {
  const reader = stream.getReader();
  // Not by a `TransformStream`, which costs more than reading a small object does.
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        try {
          await check();
        } catch (error) {
          reader.cancel(error).catch(() => undefined);
          throw error;
        }
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
