import type { ObjectStore, RotationDepth } from '../../src/index.ts';
import { keyBytes, SECRETS } from './rotation-world.ts';

/** Long work that a process may be killed in. */
interface Work {
  run(store: ObjectStore): Promise<unknown>;
  /** The depth, where it is a rotation. */
  readonly rotates?: RotationDepth | undefined;
}

function rotation(depth: RotationDepth): Work {
  return {
    rotates: depth,
    run: async (store) => store.rotateEncryptionKey(keyBytes(SECRETS.before), keyBytes(SECRETS.after), { depth }),
  };
}

export type WorkName = `a rotation to the depth "${RotationDepth}"` | 'a collection' | 'a checkpoint';

export const WORK: Readonly<Record<WorkName, Work>> = {
  'a rotation to the depth "unlock"': rotation('unlock'),
  'a rotation to the depth "keys"': rotation('keys'),
  'a rotation to the depth "data"': rotation('data'),
  'a collection': { run: async (store) => store.gc() },
  'a checkpoint': { run: async (store) => store.checkpoint() },
};

export const isWork = (name: string): name is WorkName => Object.hasOwn(WORK, name);
