/** The options of each kind of call beside `signal` and `timeout`. Others are refused. */
export const NO_OPTIONS: ReadonlySet<string> = new Set();
export const STORE_OPTIONS: ReadonlySet<string> = new Set([
  'metadata',
  'ifAbsent',
  'ifVersion',
  'ifDamaged',
  'expires',
]);
export const RETRIEVE_OPTIONS: ReadonlySet<string> = new Set(['version', 'at']);
export const RANGE_OPTIONS: ReadonlySet<string> = new Set(['version', 'at', 'start', 'end']);
export const CHANGE_OPTIONS: ReadonlySet<string> = new Set(['ifVersion']);
export const PURGE_OPTIONS: ReadonlySet<string> = new Set(['ifVersion', 'ifDamaged']);
export const RESTORE_VERSION_OPTIONS: ReadonlySet<string> = new Set(['ifVersion', 'ifAbsent']);
export const LISTING_OPTIONS: ReadonlySet<string> = new Set(['after']);
