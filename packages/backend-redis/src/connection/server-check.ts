import { type BackendLogger, type CallSite, layoutError } from '@securestore/backend-api';
import type { Connection, ScriptClient } from './connection.ts';
import { INSPECT, LAYOUT } from './scripts.ts';

/** @throws SecureStoreError `FORMAT_VERSION` if the store was laid out by a newer release */
export async function checkLayout(connection: Connection, clock: string, site: CallSite): Promise<void> {
  const run = { site, script: INSPECT, keys: [clock], args: [], mutates: false, signal: undefined };
  // As the script returns it.
  const layout = (await connection.run(run)) as Buffer | null;
  if (layout === null || layout.toString() === LAYOUT) return;
  throw layoutError(site, layout.toString(), LAYOUT, '@securestore/backend-redis');
}

/** Warns if the server may lose writes that it has acknowledged, as far as the user may ask it. */
export async function warnOfForgetting(connection: Connection, logger: BackendLogger, site: CallSite): Promise<void> {
  const memory = await connection.ask(site, async (client) => client.info('memory'));
  const persistence = await connection.ask(site, async (client) => client.info('persistence'));
  if (memory === undefined || persistence === undefined) {
    logger.warn({ backend: 'redis' }, 'the user may not run INFO, so it is unknown whether the server keeps its data');
    return;
  }
  const policy = field(memory, 'maxmemory_policy');
  if (policy?.startsWith('allkeys') === true) {
    logger.warn(
      { backend: 'redis', policy },
      'the server evicts data when its memory is full: its maxmemory-policy is not noeviction',
    );
  }
  if (field(persistence, 'aof_enabled') === '0') {
    logger.warn({ backend: 'redis' }, 'the server loses acknowledged writes when it stops: its appendonly is off');
    return;
  }
  const fsync = await connection.ask(site, fsyncPolicy);
  if (fsync === undefined || fsync === 'always') return;
  logger.warn(
    { backend: 'redis', appendfsync: fsync },
    'a crash of the server loses the last acknowledged writes: its appendfsync is not always',
  );
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

async function fsyncPolicy(client: ScriptClient): Promise<string | undefined> {
  const answer = await client.config('GET', 'appendfsync');
  return Array.isArray(answer) ? String(answer[1]) : undefined;
}
