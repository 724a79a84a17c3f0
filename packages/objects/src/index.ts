export type { Anchor, AnchorRecord } from './anchor.ts';
export type { Clock } from '@securestore/jobs';
export type { StoreSettings } from './create.ts';
export { ObjectStore } from './object-store.ts';
export { createObjectStore, openObjectStore, openOrCreateObjectStore } from './open.ts';
export type { OpenSettings, StoreContext } from './open.ts';
export type * from './types.ts';
