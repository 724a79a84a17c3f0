import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { openStore, rawKey } from 'securestore';
import { serve } from '@securestore/server';
import { SECRET, workersOf } from '../support/workers-of.ts';

// Serves the store at a store URL with two workers until it is killed, and tells where, and which processes the workers are.
const [url = '', port = '0', trouble = ''] = process.argv.slice(2);
const store = await openStore(url, { unlock: rawKey(SECRET), maintenance: false });
const tell = (fields: object): void => {
  if ('pid' in fields) process.send?.(fields);
};
const logger = { debug: () => {}, info: tell, warn: () => {}, error: () => {} };
const server = await serve(store, { port: Number(port), console: false, logger, workers: workersOf(url, 2) });
process.send?.({ url: server.url });
process.once('SIGTERM', () => {
  void server
    .close()
    .then(() => store.close())
    .then(() => process.exit());
});

// With "descriptors", it takes all that it may have when it is told to, and gives them back.
const taken: number[] = [];
if (trouble === 'descriptors') {
  process.on('message', (message) => {
    if (message === 'take') {
      try {
        for (;;) taken.push(openSync('/dev/null', 'r'));
      } catch {
        // There is none left.
      }
    } else for (const fd of taken.splice(0)) closeSync(fd);
    process.send?.({ taken: taken.length });
  });
}
