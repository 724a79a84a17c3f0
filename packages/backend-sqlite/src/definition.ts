import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { SqliteBackend } from './sqlite-backend.ts';

/** Serves `sqlite:` store URLs. */
export const sqliteBackend: BackendDefinition = defineBackend({
  name: 'sqlite',
  schemes: ['sqlite'],
  contract: CONTRACT_VERSION,
  create: () => new SqliteBackend(),
});
