/* `served-worker.ts URL`: a worker of `served-store.ts`. */
import { serveAsWorker } from '@securestore/server';
import { openStore, rawKey } from 'securestore';

const [url = ''] = process.argv.slice(2);
await serveAsWorker(({ fingerprint, secret }) => {
  const key = async (): Promise<Uint8Array> => (await secret('unlock'))[0] ?? new Uint8Array();
  return openStore(url, { unlock: rawKey(key), fingerprint, maintenance: false });
});
process.exit();
