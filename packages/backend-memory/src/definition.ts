import { type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { MemoryBackend } from './memory-backend.ts';

/** How the discovery finds this backend. */
export const memoryBackend: BackendDefinition = defineBackend({
  name: 'memory',
  schemes: ['memory'],
  contract: 1,
  create: () => new MemoryBackend(),
});
