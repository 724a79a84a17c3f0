import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { RedisBackend } from './redis-backend.ts';

/** Serves `redis:` and `rediss:` store URLs. */
export const redisBackend: BackendDefinition = defineBackend({
  name: 'redis',
  schemes: ['redis', 'rediss'],
  contract: CONTRACT_VERSION,
  create: () => new RedisBackend(),
});
