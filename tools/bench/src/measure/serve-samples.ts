import process from 'node:process';

/** Takes a sample whenever the process asks for one that started this one, and ends with it. */
export function serveSamples(sample: () => Promise<number>): void {
  const answer = async (): Promise<void> => {
    globalThis.gc?.();
    process.send?.(await sample());
  };
  process.on('message', () => void answer());
  process.on('disconnect', () => process.exit());
}
