import type { Route } from '../exchange/route.ts';
import { ACCESS_ROUTES } from './access.ts';
import { AUDIT_ROUTES } from './audit.ts';
import { BACKUP_ROUTES } from './backups.ts';
import { DATA_ROUTES } from './data.ts';
import { JOB_ROUTES } from './jobs.ts';
import { KEY_ROUTES } from './keys.ts';
import { LISTING_ROUTES } from './listing.ts';
import { OBJECT_ROUTES } from './objects.ts';
import { POINT_ROUTES } from './points.ts';
import { STORE_ROUTES } from './store.ts';
import { WORK_ROUTES } from './work.ts';

/** What is asked of objects. It needs nothing that only one process of a server has. */
export const OBJECT_CALL_ROUTES: readonly Route[] = [...DATA_ROUTES, ...OBJECT_ROUTES, ...LISTING_ROUTES];

/** Everything that can be asked of a server. */
export const ROUTES: readonly Route[] = [
  ...OBJECT_CALL_ROUTES,
  ...JOB_ROUTES,
  ...WORK_ROUTES,
  ...BACKUP_ROUTES,
  ...POINT_ROUTES,
  ...KEY_ROUTES,
  ...ACCESS_ROUTES,
  ...AUDIT_ROUTES,
  ...STORE_ROUTES,
];
