import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { S3Backend } from './s3-backend.ts';

/** Serves `s3:` store URLs. */
export const s3Backend: BackendDefinition = defineBackend({
  name: 's3',
  schemes: ['s3'],
  contract: CONTRACT_VERSION,
  create: () => new S3Backend(),
});
