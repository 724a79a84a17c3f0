import { asBuffer, SecureStoreError } from '@securestore/core-format';
import { isCount, SharedState } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';

interface Drilled {
  readonly time: number;
}

function stateOf({ states, clock }: BackupArea, destination: Uint8Array): SharedState<Drilled> {
  const label = `drilled ${asBuffer(destination).toString('hex')}`;
  return new SharedState(states, clock, label, {
    what: 'what the store remembers of its drills',
    version: 1,
    parse: ({ time }) => (isCount(time) ? { time } : undefined),
  });
}

/** When a drill of a destination has succeeded last, in milliseconds since 1970; `undefined` where none ever did. */
export async function drilledAt(area: BackupArea, destination: Uint8Array): Promise<number | undefined> {
  return (await stateOf(area, destination).read()).value?.time;
}

/** Remembers that a drill has succeeded now. Who may not remember it has seen it all the same. */
export async function rememberDrilled(area: BackupArea, destination: Uint8Array): Promise<void> {
  try {
    const time = area.clock.now();
    await stateOf(area, destination).update(() => ({ time }));
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
  }
}
