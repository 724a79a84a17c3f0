import { chownSync, statSync } from 'node:fs';
import { expect, inject, onTestFinished, test } from 'vitest';
import { NO_OPENSSL, selfSigned } from '../../backend-redis/test/support/certificates.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { postgres } from '../../../tools/services/src/servers/postgres.ts';
import { mountSmall, NO_MOUNTS } from '../../backend-fs/test/support/mounts.ts';
import { freshUrl, openAt, poolOf, utf8 } from './support/stores.ts';

const provided = inject('postgres');
const NO_SERVER = 'skip' in provided ? provided.skip : provided.own ? undefined : `${postgres.variable} is set`;

test('a server with TLS is used if its certificate is trusted, and else refused before the password is sent', async (context) => {
  const reason = NO_SERVER ?? NO_OPENSSL;
  if (reason !== undefined) context.skip(reason);
  const server = await startServer(postgres);
  onTestFinished(async () => server.stop());
  const pool = poolOf(server.url);
  const { rows } = await pool.query<{ data_directory: string }>('SHOW data_directory');
  const folder = rows[0]?.data_directory ?? '';
  const { key, file } = selfSigned(folder, statSync(folder));
  await pool.query(`ALTER SYSTEM SET ssl_cert_file = '${file}'`);
  await pool.query(`ALTER SYSTEM SET ssl_key_file = '${key}'`);
  await pool.query('ALTER SYSTEM SET ssl = on');
  await pool.query('SELECT pg_reload_conf()');
  for (let on = false; !on;) {
    on = (await pool.query<{ ssl: string }>('SHOW ssl')).rows[0]?.ssl === 'on';
  }
  const refused = await openAt(`${server.url}?sslmode=require`).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: false, operation: 'init' });
  expect(String(refused)).toMatch(/not trusted/);
  expectNoSecret(refused, [new URL(server.url).password]);
  const backend = await openAt(`${server.url}?sslmode=verify-full&sslrootcert=${file}`);
  await backend.write('o/a', utf8('x'));
  expect((await backend.read('o/a'))?.size).toBe(1);
  const encrypted =
    "SELECT ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'securestore'";
  expect((await pool.query(encrypted)).rows).toEqual([{ ssl: true }]);
  // A statement on an encrypted connection can be cancelled too.
  const other = await pool.connect();
  await other.query(`BEGIN; SELECT 1 FROM securestore WHERE key = 'o/a' FOR UPDATE`);
  const controller = new AbortController();
  const write = backend.write('o/a', utf8('y'), { signal: controller.signal }).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 100));
  controller.abort();
  const aborted = await write;
  await other.query('ROLLBACK');
  other.release();
  expect(aborted).toMatchObject({ code: 'ABORTED' });
  expect(aborted).not.toHaveProperty('outcome');
});

test('a full disk of the server is NO_SPACE, and nothing was changed', async (context) => {
  const reason = NO_SERVER ?? NO_MOUNTS;
  if (reason !== undefined) context.skip(reason);
  using disk = mountSmall(4096);
  const server = await startServer(postgres);
  try {
    const pool = poolOf(server.url);
    const { rows } = await pool.query<{ data_directory: string }>('SHOW data_directory');
    const { uid, gid } = statSync(rows[0]?.data_directory ?? '');
    chownSync(disk.path, uid, gid);
    await pool.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
    await pool.query('ALTER ROLE postgres SET default_tablespace = small');
    const backend = await openAt(freshUrl(server.url));
    await backend.write('o/a', utf8('x'));
    const body = new Uint8Array(6_000_000).fill(7);
    await expect(backend.write('o/a', body)).rejects.toMatchObject({ code: 'NO_SPACE', retryable: false, key: 'o/a' });
    expect((await backend.read('o/a'))?.size).toBe(1);
    await backend.close();
  } finally {
    await server.stop();
  }
});
