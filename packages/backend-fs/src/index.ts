export { fsBackend as default, fsBackend } from './definition.ts';
export { FsBackend } from './fs-backend.ts';
export type { FsBackendSettings } from './fs-backend.ts';
