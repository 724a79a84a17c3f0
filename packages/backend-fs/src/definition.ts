import { type BackendDefinition, CONTRACT_VERSION, defineBackend } from '@securestore/backend-api';
import { FsBackend } from './fs-backend.ts';

/** Serves `file:` store URLs. */
export const fsBackend: BackendDefinition = defineBackend({
  name: 'fs',
  schemes: ['file'],
  contract: CONTRACT_VERSION,
  create: () => new FsBackend(),
});
