import type { AdministrationCall } from '@securestore/acl';

/** The calls for which commands and pages ask for an approval themselves, where they were started. */
export const CALLS_THAT_ASK: ReadonlySet<string> = new Set([
  'restore',
  'backups.restoreStore',
  'recoveryPoints.retrieveStream',
] satisfies readonly AdministrationCall[]);
