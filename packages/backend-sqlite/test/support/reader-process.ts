import { SecureStoreError } from '@securestore/core-format';
import { SqliteBackend } from '../../src/index.ts';

/** Reads all objects of a database, and says of each what came of it. */
const backend = new SqliteBackend();
await backend.init({ url: `sqlite:${process.argv[2]}`, options: {} });
for (let n = 0; n < 8; n++) {
  const said = await backend.read(`o/${n}`).then(
    () => ({}),
    (error: unknown) =>
      SecureStoreError.is(error) ? { code: error.code, message: error.message } : { code: String(error) },
  );
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
