export { SqliteBackend } from './sqlite-backend.ts';
export type { SqliteBackendSettings } from './sqlite-backend.ts';
export { sqliteBackend as default, sqliteBackend } from './definition.ts';
