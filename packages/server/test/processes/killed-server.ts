import process from 'node:process';
import { openStore, rawKey } from 'securestore';
import { serve } from '@securestore/server';

// Serves the store at a store URL until it is killed.
const [url = ''] = process.argv.slice(2);
const store = await openStore(url, { unlock: rawKey(Buffer.alloc(32, 9)), maintenance: false });
const server = await serve(store, { port: 0 });
process.send?.({ url: server.url });
