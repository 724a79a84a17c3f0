export { KeyvSecureStore } from './keyv-secure-store.ts';
export type { KeyvEntry, KeyvSecureStoreOptions } from './keyv-secure-store.ts';
