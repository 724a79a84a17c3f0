/* `served-store.ts URL`: makes a store, serves it, and prints as JSON where, and a token that may do everything with its objects. */
import { serve } from '@securestore/server';
import { addPrincipal, grantRole, setRole, templateRules } from 'securestore';
import { createOurs } from '../measure/ours.ts';

const [url = 'memory:'] = process.argv.slice(2);
const store = await createOurs(url);
await store.access.change([
  setRole('bench', templateRules('writer', ['**'])),
  addPrincipal('bench', 'service'),
  grantRole('bench', 'bench'),
]);
const { token } = await store.access.createToken('bench');
const limits = { ratePerCaller: 1_000_000 };
const server = await serve(store, { port: 0, limits });
console.log(JSON.stringify({ url: server.url, token }));
process.stdin.resume().on('end', () => process.exit(0));
