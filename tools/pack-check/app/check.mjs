/* An application far from the workspace, which depends on packages from tarballs. */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KeyvSecureStore } from '@securestore/keyv';
import { secureStoreDriver } from '@securestore/unstorage';
import { Keyv } from 'keyv';
import { openStore, rawKey, SecureStoreError } from 'securestore';
import { createStorage } from 'unstorage';

const here = realpathSync(fileURLToPath(new URL('.', import.meta.url)));
const library = realpathSync(fileURLToPath(import.meta.resolve('securestore')));
assert(library.startsWith(here), `The library under test is ${library}, not the one installed from its tarball.`);

const unlock = rawKey(crypto.getRandomValues(new Uint8Array(32)));
const opened = await openStore('memory:', { unlock, create: true });

const keyv = new Keyv({ store: new KeyvSecureStore(opened), namespace: 'cache' });
assert.equal(await keyv.set('user', { id: 7 }, 60_000), true);
assert.deepEqual(await keyv.get('user'), { id: 7 });
await keyv.clear();
const storage = createStorage({ driver: secureStoreDriver({ store: opened }) });
await storage.setItem('users:7', { id: 7 });
assert.deepEqual(await storage.getItem('users:7'), { id: 7 });
await storage.clear();
assert.deepEqual(await opened.list(), []);
await opened.close();

const fails = (url, code) => assert.rejects(openStore(url, { unlock }), (error) => SecureStoreError.is(error, code));
await fails('nowhere:x', 'INVALID_ARGUMENT');
await fails('s3://bucket/prefix', 'BACKEND_NOT_INSTALLED');
