export { expiresAfter } from './expires-after.ts';
export { Folder } from './folder.ts';
export { storeAll, valueIfThere } from './results.ts';
export { fromSegment, toSegment } from './segment.ts';
export { StoreAccess } from './store-access.ts';
