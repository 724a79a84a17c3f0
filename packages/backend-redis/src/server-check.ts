import type { BackendLogger, CallSite } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Connection, ScriptClient } from './connection.ts';
import { INSPECT, LAYOUT } from './scripts.ts';

/** @throws SecureStoreError `FORMAT_VERSION` where the store was laid out by a newer version */
export async function checkLayout(connection: Connection, clock: string, site: CallSite): Promise<void> {
  const run = { site, script: INSPECT, keys: [clock], args: [], mutates: false, signal: undefined };
  // As the script returns it.
  const layout = (await connection.run(run)) as Buffer | null;
  if (layout === null || layout.toString() === LAYOUT) return;
  throw new SecureStoreError(
    'FORMAT_VERSION',
    `redis: the store has layout ${layout.toString()}, and this version of @securestore/backend-redis reads layout ` +
      `${LAYOUT}; update the package`,
    site,
  );
}

/** Warns where the server may forget what it has acknowledged, as far as the user may ask it. */
export async function warnOfForgetting(connection: Connection, logger: BackendLogger, site: CallSite): Promise<void> {
  const memory = await connection.ask(site, async (client) => client.info('memory'));
  const persistence = await connection.ask(site, async (client) => client.info('persistence'));
  if (memory === undefined || persistence === undefined) {
    logger.warn({ backend: 'redis' }, 'the user may not run INFO, so nobody knows whether the server keeps its data');
    return;
  }
  const policy = field(memory, 'maxmemory_policy');
  if (policy?.startsWith('allkeys') === true) {
    logger.warn(
      { backend: 'redis', policy },
      'the server evicts data when its memory is full; set maxmemory-policy noeviction',
    );
  }
  if (field(persistence, 'aof_enabled') === '0') {
    logger.warn(
      { backend: 'redis' },
      'the server loses acknowledged writes when it stops; set appendonly yes and appendfsync always',
    );
    return;
  }
  const fsync = await connection.ask(site, fsyncPolicy);
  if (fsync === undefined || fsync === 'always') return;
  logger.warn(
    { backend: 'redis', appendfsync: fsync },
    'a crash of the server loses the last acknowledged writes; set appendfsync always',
  );
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

async function fsyncPolicy(client: ScriptClient): Promise<string | undefined> {
  const answer = await client.config('GET', 'appendfsync');
  return Array.isArray(answer) ? String(answer[1]) : undefined;
}
