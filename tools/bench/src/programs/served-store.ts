/* `served-store.ts URL [WORKERS]`: makes a store, serves it, and prints as JSON the URL, and a token that may do everything with its objects. */
import { serve } from '@securestore/server';
import { addPrincipal, createStore, grantRole, rawKey, setRole, templateRules } from 'securestore';

const [url = 'memory:', count = '1'] = process.argv.slice(2);
const key = crypto.getRandomValues(new Uint8Array(32));
const store = await createStore(url, { unlock: rawKey(key) });
await store.access.change([
  setRole('bench', templateRules('writer', ['**'])),
  addPrincipal('bench', 'service'),
  grantRole('bench', 'bench'),
]);
const { token } = await store.access.createToken('bench');
const limits = { ratePerCaller: 1_000_000 };
const workers = {
  count: Number(count),
  module: new URL('served-worker.ts', import.meta.url),
  args: [url],
  secrets: async () => [Uint8Array.from(key)],
};
const started = Promise.withResolvers<void>();
let ready = 0;
const logger = {
  debug: () => {},
  info: (_fields: object, message: string) => {
    if (/^worker \d+ is ready$/.test(message) && ++ready === workers.count) started.resolve();
  },
  warn: () => {},
  error: () => {},
};
const server = await serve(store, { port: 0, limits, ...(workers.count > 1 && { workers, logger }) });
if (workers.count > 1) await started.promise;
console.log(JSON.stringify({ url: server.url, token }));
process.stdin.resume().on('end', () => process.exit(0));
