import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FsBackend } from '../../../packages/backend-fs/src/index.ts';
import { sandbox } from '../../../packages/cli/test/support/cli.ts';
import { runHere } from '../../../packages/cli/test/support/in-process.ts';
import { parseInvitation } from '../../../packages/securestore/src/index.ts';
import { hasPython, input } from './python.ts';
import { sized } from '../../campaigns/src/size.ts';

const reader = fileURLToPath(new URL('../reader.py', import.meta.url));
const LONG = `${'n'.repeat(160)}/a long name/ä 😀`;

interface Found {
  readonly name: string;
  readonly payload: string;
  readonly metadata: unknown;
}

/** All that lies in a `file:` store, by the names that the format gives it. */
async function objectsAt(folder: string): Promise<Map<string, Buffer>> {
  const backend = new FsBackend();
  await backend.init({ url: `file:${folder}`, options: {} });
  const objects = new Map<string, Buffer>();
  for (const { key } of (await backend.list('')).entries) {
    objects.set(key, Buffer.from((await backend.read(key))?.body ?? []));
  }
  await backend.close();
  return objects;
}

describe.skipIf(!hasPython)('the reference reader', () => {
  const KINDS: readonly (readonly [suite: '1' | '2', names: 'encrypted' | 'plain'])[] = [
    ['1', 'encrypted'],
    ['2', 'plain'],
    ['1', 'plain'],
    ['2', 'encrypted'],
  ];

  it.each(sized({ short: KINDS.slice(0, 2), full: KINDS, torture: KINDS }))(
    'reads what the command line stored, by its key file and by an identity: suite %s, %s names',
    async (suite, names) => {
      const box = await sandbox('none');
      const env = { ...box.env, SECURESTORE_URL: `file:${box.path('vault')}` };
      const run = async (args: readonly string[], text = ''): Promise<string> => {
        const { exitCode, stderr, stdout } = await runHere([...args, '--key-file', box.path('key')], {
          env,
          input: text,
        });
        expect(exitCode, stderr).toBe(0);
        return stdout;
      };
      const large = 'large '.repeat(12_000);
      await run(['init', '--suite', suite, '--names', names]);
      await run(['put', 'db/password'], 'first');
      await run(['put', 'db/password', '--meta', 'owner=ops'], 'second');
      await run(['put', LONG], 'at a long name');
      await run(['put', 'large'], large);
      await run(['put', 'gone'], 'x');
      await run(['rm', 'gone']);
      const identity = box.path('me.identity');
      const { recipient } = JSON.parse(await run(['identity', 'new', '-o', identity, '--json'])) as {
        recipient: string;
      };
      const invitation = parseInvitation(await run(['slot', 'add', '--recipient', recipient]));
      const objects = input(await objectsAt(box.path('vault')));
      const read = (...args: readonly string[]): Found[] => {
        const options = { input: objects, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
        const { status, stdout, stderr } = spawnSync('python3', ['-B', reader, ...args], options);
        expect(status, stderr).toBe(0);
        return JSON.parse(stdout) as Found[];
      };
      const found = read(readFileSync(box.path('key')).toString('hex'), 'keyFile');
      expect(
        found.map(({ name, payload, metadata }) => [name, Buffer.from(payload, 'hex').toString(), metadata]),
      ).toEqual([
        ['db/password', 'second', { owner: 'ops' }],
        ['large', large, {}],
        [LONG, 'at a long name', {}],
      ]);
      const text = readFileSync(identity, 'utf8')
        .split('\n')
        .find((line) => line.startsWith('SSID1'));
      expect(read(Buffer.from(text ?? '').toString('hex'), 'recipient', invitation.fingerprint)).toEqual(found);
    },
    120_000,
  );
});
