/* `cold-open.ts FOLDER KEY`: imports the library, opens the `file:` store there, and prints the milliseconds it took. */
import { loadOurs } from '../measure/ours.ts';

const [folder = '', key = ''] = process.argv.slice(2);
const begun = performance.now();
const { openStore, rawKey } = await loadOurs();
const store = await openStore(`file:${folder}`, { unlock: rawKey(Buffer.from(key, 'hex')) });
const taken = performance.now() - begun;
await store.close();
console.log(taken);
