/* `loaded-modules.mjs FOLDER KEY [MODULE]`: imports securestore, opens the `file:` store there, and prints what was loaded for that. */
import { registerHooks } from 'node:module';

/** @type {string[]} */
const files = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:') && url !== import.meta.url) files.push(url);
    return next(url, context);
  },
});
const [folder = '', key = '', planted] = process.argv.slice(2);
const { openStore, rawKey } = await import('securestore');
const store = await openStore(`file:${folder}`, { unlock: rawKey(Buffer.from(key, 'hex')) });
if (planted !== undefined) await import(planted);
/** @type {string[]} Node's own list, which its types leave out. */
const loaded = Reflect.get(process, 'moduleLoadList');
const builtins = loaded.map((name) => name.replace('NativeModule ', ''));
console.log(JSON.stringify({ files, builtins }));
await store.close();
