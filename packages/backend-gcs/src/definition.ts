import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { GcsBackend } from './gcs-backend.ts';

/** Serves `gs:` store URLs. */
export const gcsBackend: BackendDefinition = defineBackend({
  name: 'gcs',
  schemes: ['gs'],
  contract: CONTRACT_VERSION,
  create: () => new GcsBackend(),
});
