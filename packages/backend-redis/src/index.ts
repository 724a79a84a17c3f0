export { RedisBackend } from './redis-backend.ts';
export { redisBackend as default, redisBackend } from './definition.ts';
