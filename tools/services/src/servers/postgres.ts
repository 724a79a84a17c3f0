import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '../service/service.ts';

export const postgres: Service = {
  name: 'postgres',
  variable: 'SECURESTORE_TEST_POSTGRES_URL',
  programs: ['postgres', 'initdb', 'pg_isready'],
  folders: ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql@*/bin'],
  debianPackages: ['postgresql'],
  user: 'postgres',
  // An immediate shutdown: the data is thrown away.
  stopSignal: 'SIGQUIT',
  async prepare({ folder, password, run }) {
    const secret = join(folder, 'password');
    await writeFile(secret, password, { mode: 0o644 });
    const settings = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${secret}`];
    const code = await run('initdb', [
      ...settings,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
      '-D',
      join(folder, 'data'),
    ]);
    if (code !== 0) throw new Error(`initdb ended with ${code}`);
  },
  command: ({ folder, port, program }) => [
    program('postgres'),
    '-D',
    join(folder, 'data'),
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    // No socket file, and no more memory than tests need.
    '-c',
    'unix_socket_directories=',
    '-c',
    'shared_buffers=32MB',
    '-c',
    'log_min_messages=fatal',
  ],
  async answers({ port, run }) {
    return (await run('pg_isready', ['-q', '-h', '127.0.0.1', '-p', String(port)])) === 0;
  },
  url: ({ port, password }) => `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
};
