import { openSync } from 'node:fs';
import process from 'node:process';
import type { JwtOptions } from 'securestore';
import { jwt, openStore, rawKey } from 'securestore';
import { serveAsWorker } from '@securestore/server';

// A worker of a server: the store URL is its argument, and the unlock secret comes from the server.
const [url = '', trouble = ''] = process.argv.slice(2);

// Without a trace, which would stand between what the tests print.
if (trouble === 'broken') process.exit(1);

// With "hang", a signal stops its event loop, which then uses no processor.
if (trouble === 'hang') process.on('SIGUSR2', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));

// With "descriptors", a signal makes it take all that it may have.
if (trouble === 'descriptors')
  process.on('SIGUSR2', () => {
    try {
      for (;;) openSync('/dev/null', 'r');
    } catch {
      // There is none left.
    }
  });

const wanted = async (secret: (name: string) => Promise<Buffer[]>): Promise<Buffer> => {
  const [key = Buffer.alloc(0)] = await secret('unlock');
  return key;
};

await serveAsWorker(async ({ fingerprint, secret, settings }) => {
  // The options of an issuer whose tokens are accepted, if there is one.
  const issuer = settings as (Omit<JwtOptions, 'keys'> & { readonly keys: string }) | undefined;
  const authenticators = issuer === undefined ? [] : [jwt({ ...issuer, keys: new URL(issuer.keys) })];
  return openStore(url, { unlock: rawKey(() => wanted(secret)), fingerprint, maintenance: false, authenticators });
});
process.exit();
