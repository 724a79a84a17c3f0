import type { ObjectInfo, ObjectStore } from '../../../src/index.ts';
import type { Action, Content, Operation, Outcome } from '../operations.ts';
import { dataOf, labelOf, payload, tagOf } from '../operations.ts';
import type { SimulatedProcess } from '../process.ts';
import type { World } from '../world.ts';
import { outcomeOf } from '../world.ts';

interface Tagged {
  readonly by?: string;
}

const contentOf = (info: ObjectInfo<Tagged>, data?: string): Content => ({
  data,
  tag: info.metadata.by,
  version: info.version,
  keyVersion: info.keyVersion,
});

const when = (ifVersion: string | undefined): { readonly ifVersion?: string } =>
  ifVersion === undefined ? {} : { ifVersion };

async function call(
  store: ObjectStore,
  { id, key, action }: Operation,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const metadata = { by: tagOf(id) };
  switch (action.type) {
    case 'store': {
      const { ifVersion, ifAbsent, size } = action;
      const data = payload(dataOf(id), size);
      const condition = ifAbsent === undefined ? when(ifVersion) : { ifAbsent };
      const info = await store.store<Tagged>(key, data, { metadata, ...condition, signal });
      return { type: 'ok', content: contentOf(info, dataOf(id)) };
    }
    case 'setMetadata': {
      const info = await store.setMetadata<Tagged>(key, metadata, { ...when(action.ifVersion), signal });
      return { type: 'ok', content: contentOf(info) };
    }
    case 'restoreVersion': {
      const { version, ifVersion } = action;
      return {
        type: 'ok',
        content: contentOf(await store.restoreVersion<Tagged>(key, version, { ...when(ifVersion), signal })),
      };
    }
    case 'undelete':
      return { type: 'ok', content: contentOf(await store.undelete<Tagged>(key, { signal })) };
    case 'delete':
      return { type: 'ok', existed: await store.delete(key, { ...when(action.ifVersion), signal }) };
    case 'purge':
      return { type: 'ok', existed: await store.purge(key, { signal }) };
    case 'has':
      return { type: 'ok', existed: await store.has(key, { signal }) };
    case 'history':
      return { type: 'ok', entries: await store.history(key, { signal }) };
    default: {
      const version = 'version' in action ? action.version : undefined;
      const { info, data } = await store.retrieve<Tagged>(key, { version, signal });
      return { type: 'ok', content: contentOf(info, labelOf(data)) };
    }
  }
}

/** A signal that aborts after some milliseconds of the process's time, until it is called off. */
function timeLimit(process: SimulatedProcess, milliseconds: number): { signal: AbortSignal; callOff: () => void } {
  const limit = new AbortController();
  const done = new AbortController();
  process.clock.sleep(milliseconds, done.signal).then(
    () => limit.abort(),
    () => undefined,
  );
  return { signal: limit.signal, callOff: () => done.abort() };
}

/** Does one operation and records it. @param timeout after which its caller gives it up, in milliseconds */
export async function perform(
  world: World,
  process: SimulatedProcess,
  store: ObjectStore,
  key: string,
  action: Action,
  timeout?: number,
): Promise<Outcome> {
  const operation = world.begin(process, key, action);
  const limit = timeout === undefined ? undefined : timeLimit(process, timeout);
  let outcome: Outcome;
  try {
    outcome = await call(store, operation, limit?.signal);
  } catch (error) {
    outcome = outcomeOf(error);
  } finally {
    limit?.callOff();
  }
  world.end(operation, outcome);
  return outcome;
}
