/*
 * `peak-memory.ts ours|aws seal|open FOLDER BYTES`: does that to a stream of that length, stored in FOLDER, and prints
 * the most memory that this process held, in MB. `open` expects what `seal` left there.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { loadOurs } from '../measure/ours.ts';
import { drain, pieces } from '../measure/pieces.ts';
import { awsEncryptionSdk } from '../rivals/sealers.ts';

const [who = '', what = '', folder = '', size = '0'] = process.argv.slice(2);
const keyFile = join(folder, `${who}.key`);
if (what === 'seal') await writeFile(keyFile, randomBytes(32));
const key = new Uint8Array(await readFile(keyFile));

const length = who === 'ours' ? await ours(Number(size)) : await aws(Number(size));
if (length !== Number(size)) throw new Error(`${who} gave back ${length} of ${size} bytes.`);
console.log(process.resourceUsage().maxRSS / 1000);

async function ours(bytes: number): Promise<number> {
  const { openStore, rawKey } = await loadOurs();
  const store = await openStore(`file:${join(folder, 'store')}`, { unlock: rawKey(key), create: true });
  const done =
    what === 'seal'
      ? (await store.store('big', pieces(bytes))).size
      : await drain((await store.retrieveStream('big')).stream);
  await store.close();
  return done;
}

async function aws(bytes: number): Promise<number> {
  const sealer = await awsEncryptionSdk(key);
  const file = join(folder, 'aws.sealed');
  if (what === 'open') return drain(sealer.openStream(createReadStream(file)));
  await pipeline(sealer.sealStream(pieces(bytes)), createWriteStream(file));
  return bytes;
}
