export { SqliteBackend } from './backend.ts';
export type { SqliteEnvironment } from './backend.ts';
export { sqliteBackend as default } from './definition.ts';
