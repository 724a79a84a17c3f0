export { PostgresBackend } from './postgres-backend.ts';
export { postgresBackend as default, postgresBackend } from './definition.ts';
