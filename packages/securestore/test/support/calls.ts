import type { CallOptions, ItemResult, SecureStore } from '../../src/index.ts';
import { addPrincipal, generateIdentity, identity, recipientOf } from '../../src/index.ts';

/** A destination that a store of these calls registers. */
export const VAULT = 'memory:vault';
export const AUDITOR: ReturnType<typeof generateIdentity> = generateIdentity();
export const TASK = { id: 'nightly', cron: '@daily', task: 'backup', destination: VAULT } as const;
const KEY = Buffer.alloc(32, 3);

export type Run = (store: SecureStore, options: CallOptions, version: string) => unknown;

/** Of many the first says what became of it. */
async function first(results: Promise<readonly ItemResult<unknown>[]>): Promise<unknown> {
  const [result] = await results;
  if (result !== undefined && !result.ok) throw result.error;
  return result;
}

/** How each call of a store is begun, on the object `k`. */
export const RUNS: Readonly<Record<string, Run>> = {
  store: (store, options) => store.store('k', 'v', options),
  storeMany: (store, options) => first(store.storeMany([{ key: 'k', data: 'v' }], options)),
  setMetadata: (store, options) => store.setMetadata('k', {}, options),
  retrieve: (store, options) => store.retrieve('k', options),
  retrieveMany: (store, options) => first(store.retrieveMany(['k'], options)),
  retrieveStream: (store, options) => store.retrieveStream('k', options),
  info: (store, options) => store.info('k', options),
  matches: (store, options) => store.matches('k', 'v', options),
  has: (store, options) => store.has('k', options),
  history: (store, options) => store.history('k', options),
  delete: (store, options) => store.delete('k', options),
  purge: (store, options) => store.purge('k', options),
  undelete: (store, options) => store.undelete('k', options),
  restoreVersion: (store, options, version) => store.restoreVersion('k', version, options),
  list: (store, options) => store.list('', options),
  keys: (store, options) => Array.fromAsync(store.keys('', options)),
  entries: (store, options) => Array.fromAsync(store.entries('', options)),
  rotateEncryptionKey: (store, options) => store.rotateEncryptionKey(KEY, KEY, options),
  checkpoint: (store, options) => store.checkpoint(options),
  gc: (store, options) => store.gc(options),
  verify: (store, options) => store.verify(options),
  scrub: (store, options) => store.scrub(options),
  session: (store, options) => store.session({ principal: 'alice' }, options),
  backup: (store, options) => store.backup(VAULT, options),
  restore: (store, options) => store.restore(VAULT, options),
  'backups.backup': (store, options) => store.backups.backup(VAULT, options),
  'backups.restore': (store, options) => store.backups.restore(VAULT, options),
  'backups.list': (store, options) => store.backups.list(VAULT, options),
  'backups.continuousStatus': (store, options) => store.backups.continuousStatus(VAULT, options),
  'backups.windows': (store, options) => store.backups.windows(VAULT, options),
  'backups.read': (store, options) => store.backups.read(VAULT, {}, async () => undefined, options),
  'backups.view': (store, options) => store.backups.view(VAULT, {}, async () => undefined, options),
  'backups.verify': (store, options) => store.backups.verify(VAULT, options),
  'backups.drill': (store, options) => store.backups.drill(VAULT, options),
  'backups.endRestore': (store, options) => store.backups.endRestore(options),
  'backups.repairing': (store, options) => store.backups.repairing(VAULT, async () => undefined, options),
  'backups.register': (store, options) => store.backups.register(VAULT, options),
  'backups.setRetention': (store, options) => store.backups.setRetention(VAULT, { last: 1 }, options),
  'backups.forget': (store, options) => store.backups.forget(VAULT, () => [], options),
  'backups.retain': (store, options) => store.backups.retain(VAULT, { retention: { last: 1 }, ...options }),
  'backups.unregister': (store, options) => store.backups.unregister(VAULT, options),
  'backups.startContinuous': (store, options) => store.backups.startContinuous(VAULT, options),
  'backups.restoreStore': (store, options) => store.backups.restoreStore(VAULT, 'memory:elsewhere', options),
  'recoveryPoints.timeline': (store, options) => store.recoveryPoints.timeline(VAULT, options),
  'recoveryPoints.browse': (store, options) => store.recoveryPoints.browse({ destination: VAULT, ...options }),
  'recoveryPoints.find': (store, options) =>
    store.recoveryPoints.find({ contains: 'k', destination: VAULT, ...options }),
  'recoveryPoints.compare': (store, options) =>
    store.recoveryPoints.compare({ destination: VAULT, from: { snapshot: 1 }, ...options }),
  'recoveryPoints.versions': (store, options) => store.recoveryPoints.versions('k', { destination: VAULT, ...options }),
  'recoveryPoints.retrieveStream': (store, options) =>
    store.recoveryPoints.retrieveStream('k', { destination: VAULT, ...options }),
  'recoveryPoints.receipts': (store, options) => store.recoveryPoints.receipts(VAULT, options),
  'schedules.list': (store, options) => store.schedules.list(options),
  'schedules.add': (store, options) => store.schedules.add(TASK, options),
  'schedules.remove': (store, options) => store.schedules.remove('nightly', options),
  'schedules.conditions': (store, options) => store.schedules.conditions(options),
  'slots.list': (store, options) => store.slots.list(options),
  'slots.add': (store, options) => store.slots.add(KEY, options),
  'slots.remove': (store, options) => store.slots.remove('id', options),
  'encryptionKeys.list': (store, options) => store.encryptionKeys.list(options),
  'encryptionKeys.usage': (store, options) => store.encryptionKeys.usage(options),
  'encryptionKeys.destroy': (store, options) => store.encryptionKeys.destroy('id', options),
  'encryptionKeys.undo': (store, options) => store.encryptionKeys.undo('id', options),
  'encryptionKeys.destroyDue': (store, options) => store.encryptionKeys.destroyDue(options),
  'settings.get': (store, options) => store.settings.get(options),
  'settings.change': (store, options) => store.settings.change({ history: { days: 31 } }, options),
  'jobs.list': (store, options) => store.jobs.list(options),
  'jobs.resume': (store, options) => store.jobs.resume('collection', options),
  'jobs.cancel': (store, options) => store.jobs.cancel('collection', options),
  'jobs.forget': (store, options) => store.jobs.forget('collection', options),
  'access.policy': (store, options) => store.access.policy(options),
  'access.explain': (store, options) => store.access.explain('alice', 'read', 'k', options),
  'access.tokens': (store, options) => store.access.tokens(options),
  'access.requests': (store, options) => store.access.requests(options),
  'access.session': (store, options) => store.access.session({ principal: 'alice' }, options),
  'access.change': (store, options) => store.access.change(addPrincipal('bob', 'user'), options),
  'access.createToken': (store, options) => store.access.createToken('alice', options),
  'access.revokeToken': (store, options) => store.access.revokeToken('id', options),
  'access.approve': (store, options) => store.access.approve('id', options),
  'access.deny': (store, options) => store.access.deny('id', options),
  'members.list': (store, options) => store.members.list(options),
  'members.add': async (store, options) =>
    store.members.add('bob', await recipientOf(AUDITOR), { categories: ['default'], ...options }),
  'members.revoke': (store, options) => store.members.revoke('bob', options),
  'members.revokeAll': (store, options) => store.members.revokeAll(options),
  'audit.enable': async (store, options) => store.audit.enable({ auditor: await recipientOf(AUDITOR), ...options }),
  'audit.state': (store, options) => store.audit.state(options),
  'audit.disable': (store, options) => store.audit.disable(options),
  'audit.entries': (store, options) => store.audit.entries(options),
  'audit.examine': (store, options) => store.audit.examine(options),
  'audit.verify': (store, options) => store.audit.verify({ auditor: identity(AUDITOR), ...options }),
  'audit.lines': (store, options) => Array.fromAsync(store.audit.lines(options)),
  'audit.tail': (store, options) => Array.fromAsync(store.audit.tail(options)),
};
