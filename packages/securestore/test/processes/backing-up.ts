import { openStore, rawKey } from 'securestore';

// Writes as fast as it is acknowledged, while it backs up, and says so: each line is an acknowledged write, or how far it can be restored.
const [url = '', destination = '', mode = 'continuous'] = process.argv.slice(2);
const WRITERS = 8;

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const store = await openStore(url, { unlock: rawKey(Buffer.alloc(32, 7)), maintenance: false });
await store.backups.startContinuous(destination, {
  synchronous: mode === 'synchronous',
  onStatus: ({ recoverableTo, lag }) => say({ recoverableTo: recoverableTo?.getTime(), lag }),
});
say({ begun: true });

async function write(writer: number): Promise<never> {
  for (let value = 1; ; value++) {
    const key = `writer-${writer}/key-${value % 7}`;
    await store.store(key, String(value));
    say({ key, value, at: Date.now() });
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
