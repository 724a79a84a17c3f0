import process from 'node:process';
import { serve } from '@securestore/server';
import { addPrincipal, createStore, grantRole, rawKey, setRole, templateRules } from 'securestore';

// Serves a new store at the store URL that it is given, and says at its end how much memory that took at most.
const [url = ''] = process.argv.slice(2);
const store = await createStore(url, { unlock: rawKey(Buffer.alloc(32, 5)), maintenance: false });
await store.access.change([
  setRole('all', templateRules('administrator')),
  addPrincipal('ann', 'user'),
  grantRole('ann', 'all'),
]);
const { token } = await store.access.createToken('ann');
const server = await serve(store, { port: 0 });
const idle = process.memoryUsage.rss();
process.send?.({ url: server.url, token });
process.on('message', () => {
  process.send?.({ idle, peak: process.resourceUsage().maxRSS * 1024 });
});
process.on('disconnect', () => process.exit());
