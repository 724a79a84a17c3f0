import { expect, inject, onTestFinished, test } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { postgres } from '../../../tools/services/src/servers/postgres.ts';
import {
  checkOf,
  describeHealth,
  expectRefused,
  look,
  opened,
  STOPPED,
  troubles,
} from '../../securestore/test/support/server-health.ts';
import { findsAllDamage } from '../../securestore/test/support/server-scrub.ts';
import { freshUrl, freshTable, openAt, poolOf, proxied } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const provided = inject('postgres');
const NO_SERVER = 'skip' in provided ? provided.skip : undefined;
const NO_OWN_SERVER = NO_SERVER ?? ('own' in provided && !provided.own ? `${postgres.variable} is set` : undefined);

describeHealth({
  name: 'postgres',
  skip: NO_SERVER,
  fresh: () => freshUrl('url' in provided ? provided.url : ''),
  proxied,
});

test.runIf(LONG)(
  onlyLong('the health of a store on a server that ends, and whose password has expired'),
  async (context) => {
    if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
    const server = await startServer(postgres);
    onTestFinished(() => server.stop());
    const pool = poolOf(server.url);
    const url = new URL(server.url);
    await pool.query(`CREATE ROLE ann LOGIN PASSWORD 'canary-7731'; GRANT ALL ON SCHEMA public TO ann`);
    [url.username, url.password] = ['ann', 'canary-7731'];
    const store = await opened(freshUrl(url.href));
    expect(troubles(await look(store))).toEqual({});

    /** As if the connections were made anew, which they are now and then; calls that were under way notice it. */
    const reconnect = async (): Promise<void> => {
      await pool.query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'ann'`);
      await store.has('x').catch(() => undefined);
    };
    await pool.query(`ALTER ROLE ann SET default_transaction_read_only = on`);
    await reconnect();
    expect(checkOf(await look(store), 'backend')).toMatchObject({
      status: 'degraded',
      reason: 'it takes no writes (READ_ONLY)',
    });
    await pool.query(`ALTER ROLE ann RESET default_transaction_read_only`);
    await reconnect();
    expect(troubles(await look(store))).toEqual({ errors: 'degraded' });

    await pool.query(`ALTER ROLE ann VALID UNTIL '2001-01-01'`);
    await reconnect();
    expectRefused(await look(store), 'UNAUTHENTICATED');
    await pool.query(`ALTER ROLE ann VALID UNTIL 'infinity'`);
    expect(troubles(await look(store))).toEqual({ errors: 'degraded' });

    await pool.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ann; REASSIGN OWNED BY ann TO postgres`);
    expectRefused(await look(store), 'ACCESS_DENIED');
    await pool.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ann`);

    await server.kill();
    expect(checkOf(await look(store), 'backend')).toMatchObject({
      status: 'failing',
      reason: expect.stringMatching(STOPPED),
    });
    await server.restart();
    expect(troubles(await look(store))).toEqual({ errors: 'degraded' });
  },
);

test('a scrub finds all damage that is planted on a server in one pass, and repairs it in one', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const table = freshTable();
  const url = freshUrl('url' in provided ? provided.url : '', table);
  const pool = poolOf(url);
  await findsAllDamage({
    url,
    open: () => openAt(url),
    age: async (name) =>
      void (await pool.query(`UPDATE ${table} SET modified = modified - 3 * 86400000 WHERE key = $1`, [name])),
  });
});
