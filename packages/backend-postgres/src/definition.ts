import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { PostgresBackend } from './postgres-backend.ts';

/** Serves `postgres:` and `postgresql:` store URLs. */
export const postgresBackend: BackendDefinition = defineBackend({
  name: 'postgres',
  schemes: ['postgres', 'postgresql'],
  contract: CONTRACT_VERSION,
  create: () => new PostgresBackend(),
});
