import type { SecureStoreError } from '@securestore/core-format';

/** The name of each option of the library on the command line: a flag, or an operand. */
export const FLAGS: Readonly<Record<string, string>> = {
  acceptRollback: '--accept-rollback',
  anchor: '--anchor',
  at: '--at',
  auditor: '--auditor',
  behindProxy: '--behind-proxy',
  categories: '--category',
  conflict: '--conflict',
  consoleOrigin: '--console-origin',
  continuous: '--continuous',
  cron: '--cron',
  deleteExtra: '--delete-extra',
  depth: '--depth',
  destination: 'the destination',
  dryRun: '--dry-run',
  end: 'the end of --range',
  entries: '--lines',
  expires: '--expires',
  fingerprint: '--fingerprint',
  migrationTargets: '--follow-to',
  format: '--format',
  history: '--history-versions',
  'history.days': '--history-days',
  'history.versions': '--history-versions',
  hookTimeout: '--hook-timeout',
  host: '--host',
  ifAbsent: '--if-absent',
  ifDamaged: '--if-damaged',
  ifVersion: '--if-version',
  into: '--into',
  jitter: '--jitter',
  keys: '--key',
  label: '--label',
  metadata: '--meta',
  names: '--names',
  operation: '--operation',
  partial: '--partial',
  port: '--port',
  prefix: '--prefix',
  rate: '--rate',
  reason: '--reason',
  repair: '--repair',
  reencrypt: '--reencrypt',
  'rotation.days': '--rotation-days',
  scratch: '--scratch',
  snapshot: '--snapshot',
  source: 'the source',
  start: 'the start of --range',
  suite: '--suite',
  task: '--task',
  timeZone: '--time-zone',
  tls: '--tls-cert, --tls-key and --tls-ca',
  'tls.ca': 'the file of --tls-ca',
  'tls.cert': 'the file of --tls-cert',
  'tls.clientCa': '--tls-client-ca',
  'tls.key': 'the file of --tls-key',
  trustOnFirstUse: '--trust-first-use',
  version: '--version-id',
  waitingPeriod: '--wait',
  within: '--rolling',
};

/** The names of options of the library that differ between commands. */
export const FLAGS_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  init: { categories: '--define-category' },
  'settings change': { categories: '--define-category' },
  migrate: { categories: '--define-category' },
  'member add': { areas: '--store-keys' },
  health: { timeout: '--timeout' },
  scrub: { within: '--over' },
  retention: {
    last: '--keep-last',
    hourly: '--keep-hourly',
    daily: '--keep-daily',
    weekly: '--keep-weekly',
    monthly: '--keep-monthly',
    yearly: '--keep-yearly',
    within: '--keep-within',
    continuous: '--keep-continuous',
  },
};

/** The beginning of all options that are limits of a server. */
const LIMIT = 'limits.';

function flagOf(option: string, verb = ''): string | undefined {
  const own = FLAGS_OF[verb];
  if (own !== undefined && Object.hasOwn(own, option)) return own[option];
  if (option.startsWith(LIMIT)) return `--limit ${option.slice(LIMIT.length)}`;
  return Object.hasOwn(FLAGS, option) ? FLAGS[option] : undefined;
}

const theirs = (option: string): string => `the option "${option}"`;

/**
 * The detail of an error with the flags of the command line for the options of the library, if the error is about one.
 *
 * @param verb the command, since an option of the library may have another name in another command
 */
export function inOurFlags({ detail, option }: SecureStoreError, verb?: string): string {
  if (option === undefined) return detail;
  return [option, ...Object.keys({ ...FLAGS, ...FLAGS_OF[verb ?? ''] })].reduce((text, name) => {
    const flag = flagOf(name, verb);
    return flag === undefined ? text : text.replaceAll(theirs(name), () => flag);
  }, detail);
}
