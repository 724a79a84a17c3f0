// A process with two that write and read all the time in a store that moves: `busy-process.ts <url> <other URL> <prefix>`. It
// prints what was acknowledged, and ends with its input.
import { openStore, rawKey } from '../../src/index.ts';
import { busy } from './busy.ts';
import type { Acknowledged } from './busy.ts';

const [url = '', other = '', prefix = ''] = process.argv.slice(2);
const onWritten = (write: Acknowledged): void => void process.stdout.write(`${JSON.stringify(write)}\n`);

const store = await openStore(url, {
  unlock: rawKey(Buffer.alloc(32, 7)),
  maintenance: false,
  migrationTargets: [other],
});
const writers = ['a', 'b'].map((name) => busy(store, `${prefix}/${name}`, { onWritten }));
for await (const _ of process.stdin);
for (const writer of writers) await writer.stop();
await store.close();
