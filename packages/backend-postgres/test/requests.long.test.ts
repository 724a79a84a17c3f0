import { expect, inject, onTestFinished, test } from 'vitest';
import { WITH_BATCHES, requestsOf } from '../../backend-redis/test/support/store-requests.ts';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { postgres } from '../../../tools/services/src/servers/postgres.ts';
import { freshUrl, poolOf } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('postgres');

test.runIf(LONG)(onlyLong('a store runs as few statements as it can'), async (context) => {
  if ('skip' in server) context.skip(server.skip);
  else if (!server.own) context.skip(`${postgres.variable} is set, and others may use its server`);
  // One that counts what it runs, and that nobody else asks anything.
  const own = await startServer(postgres, { args: ['-c', 'shared_preload_libraries=pg_stat_statements'] });
  onTestFinished(async () => own.stop());
  const pool = poolOf(own.url);
  await pool.query('CREATE EXTENSION pg_stat_statements');
  const count = async (): Promise<number> => {
    const sql = `SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'`;
    return Number((await pool.query<{ calls: string }>(sql)).rows[0]?.calls);
  };
  expect(await requestsOf(freshUrl(own.url), count)).toEqual(WITH_BATCHES);
});
