import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { reasonNotToScan, scan } from './scan.ts';
import { startWorker, unmask, whenStill } from './start-worker.ts';

const WORKER = fileURLToPath(new URL('opening-worker.ts', import.meta.url));

// Node's decryption leaves the plaintext in memory that it frees.
it.for([
  ['a keyring', 'keyring'],
  ['the key of a payload in the body of its record', 'body'],
])('%s that was opened is nowhere once it is wiped', async ([what = '', kind = ''], context) => {
  const [mask, kept] = [randomBytes(32), randomBytes(32)];
  const { child, next } = startWorker(WORKER, [kind], [mask, kept]);
  const { told } = await next();
  const reason = await reasonNotToScan(child.pid ?? 0);
  if (reason !== undefined) context.skip(reason);
  await whenStill();
  const needles = told.map((hex, at) => ({ what: `${what} ${at}`, bytes: unmask(hex, mask) }));
  const found = await scan(child.pid ?? 0, [...needles, { what: 'what stays', bytes: kept }]);
  child.stdin.write('x');
  await once(child, 'close');
  expect([...new Set(found.map((sighting) => sighting.what))]).toEqual(['what stays']);
});
