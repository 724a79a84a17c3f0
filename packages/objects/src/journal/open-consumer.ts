import { MAX_CONSUMER_LABEL_BYTES, parseStoreKey, SecureStoreError, workName } from '@securestore/core-format';
import { NameCipher } from '@securestore/crypto';
import type { Engine } from '../engine/engine.ts';
import { commitHead } from '../engine/commit-head.ts';
import type { JournalFinding } from './alarms.ts';
import { damaged } from './alarms.ts';
import { consumerNames, lookAtConsumer, markOf, newConsumer, revived, saveConsumer } from './consumer-state.ts';
import { Consumer } from './consumer.ts';

/** The backend's name of the state of the consumer with this label. */
function consumerName({ monitor }: Engine, label: string): string {
  const key = parseStoreKey(label);
  if (Buffer.byteLength(key) > MAX_CONSUMER_LABEL_BYTES) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `the label of a consumer must have at most ${MAX_CONSUMER_LABEL_BYTES} bytes, got ${Buffer.byteLength(key)}`,
    );
  }
  const { keys, head } = monitor.state;
  // Another root than that of the names of objects, so that the backend can't tell that it is the same text.
  return workName('consumer', new NameCipher(keys.names, 'encrypted', head.instance).locate(key).nameId);
}

/**
 * The consumer with this label, registered if it isn't yet: that switches the journal on. A new one owes a pass. One
 * process at a time may be it.
 *
 * @param onDamaged called if its state is damaged. It is then registered again over that: whoever can damage a state
 *   can as well remove it, so nothing more is given away. One that came too late, when its key had been retired, is none
 * @throws SecureStoreError `INVALID_KEY`, `INVALID_ARGUMENT` for a label that is none; `INTEGRITY` if its state is
 *   damaged and there is no `onDamaged`: unregister it then
 */
export async function openConsumer(
  engine: Engine,
  label: string,
  signal?: AbortSignal,
  onDamaged?: (alarm: JournalFinding) => void,
): Promise<Consumer> {
  const name = consumerName(engine, label);
  const found = await lookAtConsumer(engine, name, signal);
  if (found !== undefined && 'state' in found) return new Consumer(engine, name, await revived(engine, name, found));
  if (found !== undefined && !found.isRetired) {
    if (onDamaged === undefined) throw found.error;
    onDamaged(damaged('damaged-consumer', name));
  }
  // Before its state is there: wherever this stops, no consumer reads a journal that is off.
  await commitHead(engine, { signal }, async ({ head }) =>
    head.journal === 'on' ? undefined : { head: { journal: 'on' } },
  );
  return new Consumer(
    engine,
    name,
    await saveConsumer(engine, name, newConsumer(engine, label, 'afresh'), found?.etag),
  );
}

/**
 * A digest of everything that the consumer with this label has confirmed: as long as it is the same, the store remembers each deletion since. `undefined` if
 * the journal is not kept for it, or was not before.
 *
 * @throws SecureStoreError `FORMAT_VERSION`, and what the backend throws
 */
export async function markAt(
  engine: Engine,
  label: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const found = await lookAtConsumer(engine, consumerName(engine, label), signal);
  if (found === undefined || 'error' in found) return undefined;
  const { state } = found;
  return state.expired || state.pass !== 'none' ? undefined : markOf(state);
}

/** Ends the consumer with this label, whatever its state is. */
export async function unregisterConsumer(engine: Engine, label: string): Promise<void> {
  await engine.backend.delete(consumerName(engine, label));
}

/** Ends all consumers whose labels begin so, whatever process they belong to. @returns how many there were */
export async function unregisterConsumers(
  engine: Engine,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  let ended = 0;
  for await (const name of consumerNames(engine, signal)) {
    const found = await lookAtConsumer(engine, name, signal);
    if (found === undefined || 'error' in found || !found.state.label.startsWith(prefix)) continue;
    await engine.backend.delete(name, { signal });
    ended += 1;
  }
  return ended;
}

/**
 * Registers a consumer in a store that is being made: it has read all that there is, and nothing of it is read by another one yet.
 *
 * @param engine of that store
 */
export async function registerConsumer(engine: Engine, label: string, signal: AbortSignal | undefined): Promise<void> {
  const name = consumerName(engine, label);
  // Of an attempt before, under keys that came to nothing.
  await engine.backend.delete(name, { signal });
  await saveConsumer(engine, name, newConsumer(engine, label, 'none'), undefined);
}
