import assert from 'node:assert/strict';
import type { StorageBackend } from '@securestore/backend-api';
import type { SecureStoreError } from '@securestore/core-format';
import { selfProving } from '../../../../backend-fs/test/support/bodies.ts';
import { checkFailure, settled } from './settled.ts';
import { type Way, recovered } from './way.ts';
import { sized } from '../../../../../tools/campaigns/src/size.ts';

const ROUNDS = sized({ short: 2, full: 6, torture: 200 });
const CONNECTIONS = 8;

type Call = () => Promise<unknown>;

/** A change that is made while answers turn into noise; past the proxy it is seen whether it took place. */
interface Change {
  readonly what: string;
  readonly make: Call;
  readonly isDone: () => Promise<boolean>;
}

async function changesIn(folder: string, backend: StorageBackend, direct: StorageBackend): Promise<Change[]> {
  const at = (name: string): string => `${folder}/${name}`;
  const body = selfProving(folder, 500);
  for (const name of ['replaced', 'gone', 'many']) await direct.write(at(name), Buffer.from(name));
  const { etag } = await direct.write(at('matched'), Buffer.from('x'));
  const isThere = async (name: string): Promise<boolean> => {
    const found = await direct.read(at(name));
    return found !== undefined && Buffer.compare(found.body, body) === 0;
  };
  const isGone = async (name: string): Promise<boolean> => (await direct.read(at(name))) === undefined;
  const changes: Change[] = [
    {
      what: 'write ifAbsent',
      make: async () => backend.write(at('made'), body, { ifAbsent: true }),
      isDone: async () => isThere('made'),
    },
    {
      what: 'write ifMatch',
      make: async () => backend.write(at('matched'), body, { ifMatch: etag }),
      isDone: async () => isThere('matched'),
    },
    {
      what: 'write',
      make: async () => backend.write(at('replaced'), body),
      isDone: async () => isThere('replaced'),
    },
    { what: 'delete', make: async () => backend.delete(at('gone')), isDone: async () => isGone('gone') },
  ];
  if (backend.deleteMany !== undefined) {
    const make = async (): Promise<unknown> => backend.deleteMany?.([at('many')]);
    changes.push({ what: 'deleteMany', make, isDone: async () => isGone('many') });
  }
  if (backend.batch !== undefined) {
    const make = async (): Promise<unknown> => backend.batch?.([{ type: 'write', key: at('batched'), body }]);
    changes.push({ what: 'batch', make, isDone: async () => isThere('batched') });
  }
  return changes;
}

/** A login is refused where what the server offers for it turned into what nobody can take; then nothing was sent. */
function checkNoise(what: string, error: SecureStoreError, mutates: boolean): void {
  if (error.code === 'UNAUTHENTICATED') assert.equal(error.outcome, undefined, `${what}: ${error.message}`);
  else checkFailure(what, error, { mutates, conditional: false, signal: undefined });
}

/** Makes some calls while answers turn into noise; resolves to how many changes have an unknown outcome by that. */
async function callThroughNoise({ proxy, below }: Way, changes: readonly Change[], readings: Call[]): Promise<number> {
  let unknown = 0;
  proxy.set('noise');
  const reading = readings.map(async (read) => {
    const came = await settled('reading', read());
    if ('error' in came && came.error.code !== 'INTEGRITY') checkNoise('reading', came.error, false);
  });
  const making = changes
    .filter(() => below(3) > 0)
    .map(async ({ what, make, isDone }) => {
      const came = await settled(what, make());
      if ('error' in came) checkNoise(what, came.error, true);
      if ('error' in came && came.error.outcome === 'unknown') unknown += 1;
      else assert.equal(await isDone(), 'result' in came, `${what} ended as was not said: ${JSON.stringify(came)}`);
    });
  await Promise.all([...reading, ...making]);
  proxy.set();
  return unknown;
}

/**
 * The answers turn into noise at some byte. Nobody can mistake that for an answer to a change, except where it begins
 * after the answer. In a body it can't be noticed here where the protocol has no sum of it and no TLS is around it; so
 * what reads give is looked at in the test of a whole store, which seals everything.
 */
export async function answerWithNoise(way: Way): Promise<void> {
  const [backend, direct] = [await way.open('proxied'), await way.open('direct')];
  let unknown = 0;
  for (let round = 0; round < ROUNDS || (unknown === 0 && round < 20 * ROUNDS); round++) {
    const folder = `noise/${round}`;
    const changes = await changesIn(folder, backend, direct);
    await recovered(backend);
    // Else all of the noise would meet connections that are just made.
    await Promise.allSettled(Array.from({ length: CONNECTIONS }, async () => backend.read(folder)));
    const readings = [async () => backend.read(`${folder}/matched`), async () => backend.list(`${folder}/`)];
    unknown += await callThroughNoise(way, changes, readings);
  }
  assert.ok(unknown > 0, 'no answer to a change was noise');
  await recovered(backend);
}
