import { encodeBase32, hintName, workName } from '@securestore/core-format';

/**
 * What an attacker without the keys, or a fault of the backend, must have done:
 * - `missing-hints`, `missing-stream`: the journal was cut;
 * - `damaged-hint`, `damaged-writer`, `damaged-consumer`, `damaged-record`: what is stored there is not what was written;
 * - `unannounced`: an object is there that was not announced: most likely an old one that was put back;
 * - `rolled-back`: an object is older than one that was seen;
 * - `hidden`: an object that was seen is gone, and its deletion was not announced.
 */
export type AlarmType =
  | 'missing-hints'
  | 'missing-stream'
  | 'damaged-hint'
  | 'damaged-writer'
  | 'damaged-consumer'
  | 'damaged-record'
  | 'unannounced'
  | 'rolled-back'
  | 'hidden';

/** Something that only an attack on the backend, or a fault of it, explains. */
export interface JournalFinding {
  readonly type: AlarmType;
  /** The backend's name of what is missing or wrong. */
  readonly name: string;
  readonly message: string;
}

/** @param to the first sequence number that isn't missing */
export function missingHints(writer: Uint8Array, from: number, to: number): JournalFinding {
  const name = hintName(writer, from);
  return { type: 'missing-hints', name, message: `${to - from} hints of the journal are missing from ${name} on` };
}

export function missingStream(writer: Uint8Array): JournalFinding {
  const name = workName('writer', writer);
  const message = `journal stream ${encodeBase32(writer)} was removed before it was read`;
  return { type: 'missing-stream', name, message };
}

export function damaged(type: Extract<AlarmType, `damaged-${string}`>, name: string): JournalFinding {
  return { type, name, message: `${name} is not what was written there` };
}
