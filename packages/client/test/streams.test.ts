import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { atEnd } from '../../objects/test/support/stores.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

const MIB = 1024 * 1024;
const LENGTH = (TORTURE ? 1024 : 192) * MIB;
const EXTRA = 150 * MIB;

const SERVER = fileURLToPath(new URL('processes/stream-server.ts', import.meta.url));
const CLIENT = fileURLToPath(new URL('processes/stream-client.ts', import.meta.url));

interface Memory {
  readonly idle: number;
  readonly peak: number;
}

function started(program: string, args: readonly string[]): ReturnType<typeof fork> {
  const child = fork(program, args, { execArgv: ['--conditions=@securestore/source', '--no-warnings'] });
  atEnd(() => void child.kill('SIGKILL'));
  return child;
}

it(
  'a long stream takes at most 150 MiB more than nothing, at both ends',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-streams-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const server = started(SERVER, [`file:${join(folder, 'vault')}`]);
    const [{ url, token }] = (await once(server, 'message')) as [{ url: string; token: string }];
    const client = started(CLIENT, [url, token, String(LENGTH)]);
    const [there] = (await once(client, 'message')) as [Memory & { size: number; same: boolean }];
    server.send('how much');
    const [here] = (await once(server, 'message')) as [Memory];
    expect([there.size, there.same]).toEqual([LENGTH, true]);
    expect(there.peak - there.idle).toBeLessThan(EXTRA);
    expect(here.peak - here.idle).toBeLessThan(EXTRA);
    if (TORTURE) console.log({ client: (there.peak - there.idle) / MIB, server: (here.peak - here.idle) / MIB });
  },
  TORTURE ? 3_600_000 : 120_000,
);
