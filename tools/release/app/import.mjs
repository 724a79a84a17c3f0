/* Imports the packages that it is given and prints every module that this loads, as JSON. */
import { registerHooks } from 'node:module';

const loaded = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
for (const name of process.argv.slice(2)) await import(name);
console.log(JSON.stringify(loaded));
