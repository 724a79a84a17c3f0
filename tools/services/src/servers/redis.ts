import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '../service/service.ts';

export const redis: Service = {
  name: 'redis',
  variable: 'SECURESTORE_TEST_REDIS_URL',
  programs: ['redis-server', 'redis-cli'],
  folders: [],
  debianPackages: ['redis-server'],
  stopSignal: 'SIGKILL',
  async prepare({ folder, password, durable }) {
    const lines = [
      'bind 127.0.0.1',
      `dir ${folder}`,
      `requirepass ${password}`,
      'save ""',
      `appendonly ${durable ? 'yes' : 'no'}`,
      'appendfsync always',
    ];
    await writeFile(join(folder, 'redis.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
  },
  command: ({ folder, port, program }) => [program('redis-server'), join(folder, 'redis.conf'), '--port', String(port)],
  async answers({ port, run }) {
    // Without the password every command is refused, but not before the server is there.
    return (await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), 'ping'])) === 0;
  },
  url: ({ port, password }) => `redis://:${password}@127.0.0.1:${port}/0`,
};
