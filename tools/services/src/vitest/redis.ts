import { redis } from '../servers/redis.ts';
import { serverSetup } from './setup.ts';

export default serverSetup(redis, 'redis');
