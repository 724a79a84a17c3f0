/** Names that other programs, or earlier releases, have for our commands: suggestions that spelling alone would not give. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  init: ['create', 'new', 'setup'],
  put: ['add', 'set', 'store', 'save', 'write', 'upload', 'insert'],
  get: ['cat', 'read', 'show', 'retrieve', 'fetch', 'load', 'download', 'print'],
  info: ['stat', 'describe', 'head'],
  meta: ['metadata', 'tag', 'label', 'attr'],
  history: ['log', 'versions'],
  ls: ['list', 'dir', 'find'],
  rm: ['delete', 'del', 'remove', 'unlink', 'erase'],
  mv: ['move', 'rename', 'ren'],
  cp: ['copy', 'clone', 'duplicate'],
  edit: ['vi', 'change', 'modify'],
  generate: ['gen', 'random', 'genpass'],
  purge: ['destroy', 'wipe', 'shred'],
  undelete: ['undo', 'rollback'],
  backup: ['snapshot', 'dump', 'archive'],
  snapshots: ['backups', 'points'],
  restore: ['recover', 'rollback'],
  exec: ['run', 'env'],
  retention: ['prune', 'forget', 'expire'],
  job: ['jobs', 'resume', 'cancel'],
  rotate: ['rekey', 'passwd'],
  key: ['keys', 'census'],
  slot: ['slots', 'unlock', 'secrets'],
  gc: ['collect', 'clean', 'cleanup', 'vacuum'],
  destination: ['destinations'],
  schedule: ['schedules', 'cron'],
  approval: ['approvals'],
  settings: ['setting', 'configure', 'categories'],
  identity: ['keygen', 'identities'],
  'identity show': ['whoami'],
  health: ['status', 'doctor', 'ping'],
  compare: ['diff'],
  role: ['roles', 'policy'],
  grant: ['allow', 'permit', 'user', 'users'],
  revoke: ['deny', 'disallow'],
  token: ['tokens', 'apikey'],
  member: ['members', 'share', 'invite', 'user', 'users'],
  explain: ['why', 'can'],
  '--help': ['usage', 'man'],
  verify: ['check', 'fsck', 'validate'],
};

/** The commands that `word` is another word for. */
export function synonymsOf(word: string): string[] {
  return Object.keys(SYNONYMS).filter((command) => SYNONYMS[command]?.includes(word.toLowerCase()));
}

/** The first command that `word` is another word for. */
export function synonymOf(word: string): string | undefined {
  return synonymsOf(word)[0];
}

/** Words for the same action: each suggests the one of them that the noun has. */
const ACTION_SYNONYMS: readonly (readonly string[])[] = [
  ['new', 'add', 'create', 'make', 'set', 'on', 'enable'],
  ['remove', 'revoke', 'delete', 'rm', 'del', 'off', 'disable'],
  ['list', 'ls', 'show', 'get', 'info', 'status'],
  ['cancel', 'stop', 'abort'],
];

/** Actions that destroy or take away: none is suggested because of its spelling. */
export const DESTROYING_ACTIONS: ReadonlySet<string> = new Set([
  'destroy',
  'forget',
  'off',
  'remove',
  'reset',
  'revoke',
]);

/** The action of a noun that `word` is another word for. @param actions those that the noun has */
export function actionSynonymOf(word: string, actions: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  const meant = ACTION_SYNONYMS.find((group) => group.includes(given)) ?? [];
  return meant.find((one) => actions.includes(one));
}

/** Commands and options that destroy, replace or trust what they are given: none is ever suggested because of its spelling. */
const DESTROYING: ReadonlySet<string> = new Set([
  'collect',
  'gc',
  'mv',
  'purge',
  'retention',
  'revoke',
  'rm',
  'trust',
  '--accept-head',
  '--accept-rollback',
  '--all',
  '--cancel',
  '--damaged',
  '--delete-extra',
  '--give-up',
  '--if-damaged',
  '--lost',
  '--fail-back',
  '--no-anchor',
  '--overwrite',
  '--partial',
  '--remove',
  '--unset',
  '--replace',
  '--reencrypt',
  '--reseal',
  '--retire',
  '--finalize',
  '--schedules',
  '--trust-first-use',
  '--yes',
]);

/** Whether a command or an option must not be suggested for a word that is only spelt like it. */
export function isDestroying(word: string): boolean {
  return DESTROYING.has(word);
}

/** Names that other programs, or other commands of ours, have for an option, by command. */
const OPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'schedule add': { '--at': "--cron, such as --cron '0 2 * * *' for 02:00 each day" },
  migrate: { '--dry-run': '--copy-only, which copies the store and does not migrate it' },
};

/** The option of a command that `option` is another word for, with what it does. */
export function optionSynonymOf(command: string | undefined, option: string): string | undefined {
  return OPTIONS[command ?? '']?.[option];
}

/** Options that every command might have, and has none of them on purpose: what to give instead, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  '--passphrase':
    'give --passphrase-file FILE or --passphrase-command COMMAND: other users of the machine could read an argument',
  '--new-passphrase':
    'give --new-passphrase-file FILE or --new-passphrase-command COMMAND: other users of the machine could read an argument',
};

/** Advice for options that are missing on purpose. */
export function insteadOf(option: string): string | undefined {
  const name = option.replace(/(?:password|passwd|passphrase|pass|pwd)$/, 'passphrase');
  return Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
}
