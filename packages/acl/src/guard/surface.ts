import type { SecureStorage } from '@securestore/objects';
import type { ObjectAction } from '../rules/actions.ts';

/**
 * The action of every call of the surface. A call without one does not compile, here and in the session: so none is
 * forgotten when the surface grows.
 */
export const SURFACE: Readonly<Record<keyof SecureStorage, ObjectAction>> = {
  store: 'write',
  storeMany: 'write',
  setMetadata: 'write',
  retrieve: 'read',
  retrieveMany: 'read',
  retrieveStream: 'read',
  info: 'read',
  matches: 'read',
  // Whether there is an object is what a listing says.
  has: 'list',
  list: 'list',
  keys: 'list',
  // Each entry is what `info` tells of it.
  entries: 'read',
  history: 'history',
  delete: 'delete',
  undelete: 'recover',
  restoreVersion: 'recover',
  purge: 'purge',
};
