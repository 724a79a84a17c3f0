// Stores objects one after the other, and says of each that was acknowledged: `audited-process.ts <url> <prefix> <count>`.
import { openStore, rawKey } from '../../src/index.ts';

const [url = '', prefix = '', count = '0'] = process.argv.slice(2);
const unlock = rawKey(Buffer.alloc(32, 3));
const store = await openStore(url, { unlock, maintenance: false, audit: { clearKeys: ['**'] } });
for (let at = 0; at < Number(count); at++) {
  const key = `${prefix}/${at}`;
  await store.store(key, 'x');
  process.stdout.write(`${key}\n`);
}
await store.close();
