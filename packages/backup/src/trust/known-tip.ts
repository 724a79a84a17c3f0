/** The newest point of a destination that the store knows of. */
export interface Remembered {
  readonly number: number;
  /** Hex; empty where it could not be read. */
  readonly digest: string;
}

/**
 * The newest point that a destination had when its key was replaced: who was taken the right to back up has the one before. The signed
 * head says it, so that it holds where the store is lost, too.
 */
export interface Fence extends Remembered {
  /** Hex of the id of the key version that later points are made with, or with a newer one. */
  readonly keyId: string;
  /** The newest point with the key before; absent where that is the one above. It outlives the other, which only says that keys were replaced. */
  readonly last?: Remembered;
}
