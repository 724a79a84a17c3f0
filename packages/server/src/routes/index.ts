import type { Route } from '../route.ts';
import { DATA_ROUTES } from './data.ts';
import { LISTING_ROUTES } from './listing.ts';
import { OBJECT_ROUTES } from './objects.ts';
import { STORE_ROUTES } from './store.ts';

/** Everything that can be asked of a server. */
export const ROUTES: readonly Route[] = [...DATA_ROUTES, ...OBJECT_ROUTES, ...LISTING_ROUTES, ...STORE_ROUTES];
