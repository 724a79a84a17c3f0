// A process that starts a server, says where it is, and lives until it is killed.
import { startServer } from '../src/provide/server.ts';
import { redis } from '../src/servers/redis.ts';

const { url, pid } = await startServer(redis);
console.log(JSON.stringify({ url, pid }));
setInterval(() => undefined, 1000);
