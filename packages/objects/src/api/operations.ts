import type { SecureStorage } from './secure-storage.ts';

/** Of calls that have none beside `signal` and `timeout`. */
export const NO_OPTIONS: ReadonlySet<string> = new Set();

/** What there is to say of a call about objects, wherever it is offered. */
interface ObjectOperation {
  /** Its options beside `signal` and `timeout`. Others are refused. */
  readonly options: ReadonlySet<string>;
  /** Whether it changes something, so that one that was given up may have taken effect. */
  readonly mutates: boolean;
}

const mutates = (...options: string[]): ObjectOperation => ({ options: new Set(options), mutates: true });
const reads = (...options: string[]): ObjectOperation => ({ options: new Set(options), mutates: false });

/** The name of a call about objects, but for those that make one of these for each item. */
export type Operation = Exclude<keyof SecureStorage, 'storeMany' | 'retrieveMany'>;

export const OPERATIONS: Readonly<Record<Operation, ObjectOperation>> = {
  store: mutates('metadata', 'ifAbsent', 'ifVersion', 'ifDamaged', 'expires'),
  setMetadata: mutates('ifVersion'),
  delete: mutates('ifVersion'),
  purge: mutates('ifVersion', 'ifDamaged'),
  undelete: mutates(),
  restoreVersion: mutates('ifVersion', 'ifAbsent'),
  retrieve: reads('version', 'at'),
  retrieveStream: reads('version', 'at', 'start', 'end'),
  info: reads('version', 'at'),
  has: reads(),
  matches: reads(),
  history: reads(),
  list: reads(),
  keys: reads('after'),
  entries: reads('after'),
};
