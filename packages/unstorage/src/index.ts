export { secureStoreDriver } from './driver.ts';
export type { SecureStoreDriverOptions } from './driver.ts';
