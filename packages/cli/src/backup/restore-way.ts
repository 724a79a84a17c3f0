import type { ConflictPolicy } from 'securestore';
import { refuse } from '../errors/refuse.ts';

export interface RestoreOptions {
  readonly at?: string;
  readonly snapshot?: string;
  readonly prefix?: string;
  readonly key?: readonly string[];
  readonly versionId?: string;
  readonly into?: string;
  readonly to?: string;
  readonly folder?: string;
  readonly stdout?: boolean;
  readonly conflict?: ConflictPolicy;
  readonly deleteExtra?: boolean;
  readonly dryRun?: boolean;
  readonly ask?: string;
  readonly partial?: boolean;
  readonly giveUp?: boolean;
  readonly check?: boolean;
  readonly receipt?: string;
}

/** To a new store, to a folder, to stdout, or into the store. */
type Way = 'to' | 'folder' | 'stdout' | 'store';

/** What each way of restoring makes nothing of. */
const USELESS: Readonly<Record<Way, readonly (keyof RestoreOptions)[]>> = {
  to: ['key', 'into', 'conflict', 'deleteExtra', 'dryRun', 'check', 'receipt'],
  folder: ['key', 'into', 'conflict', 'deleteExtra', 'dryRun', 'ask', 'partial', 'check', 'receipt'],
  stdout: ['prefix', 'into', 'conflict', 'deleteExtra', 'dryRun', 'partial', 'check', 'receipt'],
  store: ['partial'],
};

const RESTORE_OPTIONS = [
  'at',
  'snapshot',
  'prefix',
  'key',
  'versionId',
  'into',
  'to',
  'folder',
  'stdout',
  'conflict',
  'deleteExtra',
  'dryRun',
  'ask',
  'partial',
  'check',
  'receipt',
] as const satisfies readonly (keyof RestoreOptions)[];

/** @throws SecureStoreError `INVALID_ARGUMENT` where several ways were asked for, or what makes no sense together */
export function wayOf(options: RestoreOptions): Way {
  const given = (['to', 'folder', 'stdout'] as const).filter((way) => options[way] !== undefined);
  if (given.length > 1) refuse(`--${given[0]} cannot be used with --${given[1]}`);
  const way: Way = given[0] ?? 'store';
  if (options.versionId !== undefined && way !== 'stdout') {
    refuse('--version-id needs --stdout', { text: 'to store that version again, pipe the output into put KEY' });
  }
  const useless = USELESS[way].find((name) => options[name] !== undefined);
  if (options.prefix !== undefined && options.key !== undefined) refuse('--prefix cannot be used with --key');
  if (options.deleteExtra === true && (options.key !== undefined || options.conflict === 'rename')) {
    refuse('--delete-extra cannot be used with --key or --conflict rename');
  }
  if (useless !== undefined) {
    const flag = useless.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    refuse(way === 'store' ? `--${flag} needs --to` : `--${flag} cannot be used with --${way}`);
  }
  return way;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` where something else was asked for, too */
export function checkGivesUpAlone(source: string | undefined, options: RestoreOptions): void {
  const { giveUp: _, ...others } = options;
  const useless = [source, ...RESTORE_OPTIONS.map((name) => others[name])].find((given) => given !== undefined);
  if (useless !== undefined)
    refuse('--give-up restores nothing: it cannot be used with a source or another option of restore');
}
