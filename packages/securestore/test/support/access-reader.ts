/**
 * A process that has a store open and reads an object in a session, again and again, until that is denied. It prints a line
 * of JSON for each read: when it began, and what became of it. Arguments: store URL, token, key.
 */
import { setTimeout } from 'node:timers/promises';
import { openStore, rawKey, SecureStoreError } from 'securestore';

const [url = '', token = '', key = ''] = process.argv.slice(2);
await using store = await openStore(url, { unlock: rawKey(Buffer.alloc(32, 3)), maintenance: false });
await using session = await store.session({ token });
for (let outcome = ''; outcome !== 'ACCESS_DENIED' && outcome !== 'UNAUTHENTICATED'; await setTimeout(50)) {
  const begun = Date.now();
  outcome = await session.retrieve(key).then(
    () => 'read',
    (error: unknown) => (SecureStoreError.is(error) ? error.code : 'failed'),
  );
  console.log(JSON.stringify({ begun, outcome }));
}
