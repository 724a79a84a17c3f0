// Loaded before the command line (`--require`) while it runs the commands of a page. Each is a process of its own that
// derives the same key from the same passphrase, which takes almost half of the processor time of a command. The first one
// leaves the key in the folder `ARGON2_ONCE`, which is removed with the page.
'use strict';
const nodeCrypto = require('node:crypto');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const process = require('node:process');

const { argon2, createHash, randomUUID } = nodeCrypto;
const folder = process.env['ARGON2_ONCE'];

/** @param {import("node:crypto").Argon2Parameters["message"]} bytes */
function digestOf(bytes) {
  const isHashed = typeof bytes === 'string' || ArrayBuffer.isView(bytes);
  return createHash('sha256')
    .update(isHashed ? bytes : new Uint8Array(bytes))
    .digest('hex');
}

/** @param {string} file */
function contentOf(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/** @type {typeof argon2} */
function argon2Once(algorithm, { message, nonce, ...costs }, callback) {
  const call = JSON.stringify([algorithm, digestOf(message), digestOf(nonce), costs]);
  const file = `${folder}/${digestOf(call)}`;
  const known = contentOf(file);
  if (known !== undefined) {
    process.nextTick(callback, null, known);
    return;
  }
  argon2(algorithm, { message, nonce, ...costs }, (error, derived) => {
    if (error === null) {
      // Whole or not at all, since commands run beside each other.
      const fresh = `${file}.${randomUUID()}`;
      fs.writeFileSync(fresh, derived, { mode: 0o600 });
      fs.renameSync(fresh, file);
    }
    callback(error, derived);
  });
}

if (folder !== undefined) {
  nodeCrypto.argon2 = argon2Once;
  syncBuiltinESMExports();
}
