// Opens keyrings of suite 1 and wipes them. It prints 32 bytes of each, under a mask that it gets on its standard input, and
// stands still until it gets a byte.
import { readSync } from 'node:fs';
import { createSecretKey, randomBytes, randomFillSync } from 'node:crypto';
import { secretBytes } from '@securestore/core-format';
import { openSystemBody, sealSystemBody, unversioned } from '@securestore/crypto';

const suite = 1;
/** Of sizes that differ, so that no later one gets the memory of an earlier one. */
const LENGTHS = Array.from({ length: 100 }, (_, count) => 160 + 64 * count);
/** Where in a keyring the key is that is looked for. */
const AT = 96;
const KEY_LENGTH = 32;
const context = Buffer.from('somewhere');

const mask = secretBytes(KEY_LENGTH);
/** Stays, so that whoever looks knows that it can see. */
const kept = secretBytes(KEY_LENGTH);
for (const buffer of [mask, kept]) readSync(0, buffer, 0, buffer.length, null);

const secret = createSecretKey(randomBytes(KEY_LENGTH));
const told: string[] = [];
for (const length of LENGTHS) {
  const keyring = randomFillSync(secretBytes(length));
  told.push(
    Buffer.from(keyring.subarray(AT, AT + KEY_LENGTH).map((byte, at) => byte ^ (mask[at] ?? 0))).toString('hex'),
  );
  const sealed = sealSystemBody({ secret, suite }, 'keyring', context, keyring, randomBytes);
  const opened = openSystemBody('the keyring', unversioned(secret), [suite], 'keyring', context, sealed);
  if (!opened.equals(keyring)) throw new Error('it opens to something else');
  keyring.fill(0);
  opened.fill(0);
}
process.stdout.write(`${JSON.stringify({ stage: 'closed', told })}\n`);
await new Promise((done) => setTimeout(done, 50));
readSync(0, Buffer.alloc(1));
// Used to the end, so that nothing takes it for garbage.
process.stdout.write(`${kept.length}\n`);
