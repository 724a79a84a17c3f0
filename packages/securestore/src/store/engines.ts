import { lazyPart } from '@securestore/core-format';

// The packages that work on an open store, each loaded by the first call that needs all of it. The entries `/lazy` of these packages are
// loaded with this one.
export const loadAudit: () => Promise<typeof import('@securestore/audit')> = lazyPart(
  'the audit log',
  () => import('@securestore/audit'),
);
export const loadBackup: () => Promise<typeof import('@securestore/backup')> = lazyPart(
  'backups',
  () => import('@securestore/backup'),
);
export const loadMigrate: () => Promise<typeof import('@securestore/migrate')> = lazyPart(
  'migrations',
  () => import('@securestore/migrate'),
);
