import { ID_LENGTH, workName, workPrefix } from '@securestore/core-format';
import { digestWhole } from '@securestore/crypto';
import type { StateStorage } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { storedState } from '../../engine/stored-state.ts';
import { lookAtSystemObject, writeSystemObject } from '../../engine/sealed-objects.ts';

/** @param labels what the labels of these states start with, so that no others have the same */
export function keptStates(engine: Engine, labels = ''): StateStorage {
  const nameOf = (label: string): string => {
    const { digest } = engine.monitor.state.keys.journal;
    const hash = digestWhole(digest, Buffer.from(`${workPrefix('backup')}${labels}${label}`));
    return workName('backup', hash.subarray(0, ID_LENGTH));
  };
  return {
    async read(label, signal) {
      const found = await lookAtSystemObject(engine, 'job', nameOf(label), signal);
      return found && storedState(found, (plaintext) => plaintext);
    },
    async write(label, state, condition) {
      return writeSystemObject(engine, 'job', nameOf(label), state, condition);
    },
  };
}
