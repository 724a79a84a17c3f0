import { rename, writeFile } from 'node:fs/promises';
import type { TestContext } from 'vitest';
import { describe, it, vi } from 'vitest';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import type { Result } from '../support/cli.ts';
import { jsonLines, sandbox } from '../support/cli.ts';
import type { Serving } from '../support/serving.ts';
import { serving } from '../support/serving.ts';

/** For a busy machine. */
const PATIENCE = { timeout: 90_000, interval: 200 };

/** A store with an object, and somebody who may read and write it over a server. */
async function scene(onTestFinished: TestContext['onTestFinished']) {
  const box = await sandbox('sqlite', onTestFinished);
  await box.seed({ k: 'value' });
  await box.run(['role', 'add', 'writer', '--template', 'writer']);
  await box.run(['grant', 'ann', 'writer', '--yes']);
  const { token } = jsonLines((await box.run(['token', 'new', 'ann', '--json'])).stdout)[0] as { token: string };
  /** What a server answers to who asks for the object. */
  const get = async ({ url }: Pick<Serving, 'url'>): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/v1/objects/k`, { headers });
    return answer.ok ? await answer.text() : ((await answer.json()) as { code: string }).code;
  };
  return { box, get };
}

const healthOf = async ({ url }: Serving): Promise<number> => (await fetch(`${url}/healthz`)).status;

/** Replaces the secret of a store, and what is in the file of a server once that was noticed. */
async function replaceSecret(
  {
    expect,
    server,
    get,
  }: Pick<TestContext, 'expect'> & {
    readonly server: Serving;
    readonly get: (server: Serving) => Promise<unknown>;
  },
  rotate: () => Promise<Result>,
  replace: () => Promise<void>,
): Promise<void> {
  expect(await get(server)).toBe('value');
  const rotated = await rotate();
  expect(rotated, rotated.stderr).toMatchObject({ exitCode: 0 });
  await vi.waitUntil(async () => (await healthOf(server)) === 503, PATIENCE);
  expect(await get(server)).toBe('LOCKED');
  await replace();
  await vi.waitUntil(async () => (await healthOf(server)) === 200, PATIENCE);
  await vi.waitUntil(async () => (await get(server)) === 'value', PATIENCE);
  const { exitCode, stderr } = await server.stop();
  expect(exitCode).toBe(0);
  expect(jsonLines(stderr)).toMatchObject([
    {
      level: 'warn',
      code: 'LOCKED',
      reason: 'slot-removed',
      advice: [{ id: 'check-unlock-secret' }],
      message: expect.stringMatching(
        /does not unlock the store\)\. The unlock secret is read again until it opens a slot\.$/,
      ),
    },
    { level: 'info', message: expect.stringContaining('was read again, and opens another slot') },
  ]);
}

describe.concurrent('serve', { timeout: 240_000 }, () => {
  it('goes on when its key file is replaced after a rotation', async ({ expect, onTestFinished }) => {
    const { box, get } = await scene(onTestFinished);
    const [own, next] = [box.path('credentials', 'securestore-key'), box.path('next.key')];
    const server = await serving(box, ['--no-console'], onTestFinished);
    await replaceSecret(
      { expect, server, get },
      () => box.run(['rotate', '--depth', 'unlock', '--new-key-file', next]),
      () => rename(next, own),
    );
  });

  it.runIf(LONG)(
    onlyLong('goes on when its passphrase file is replaced after a rotation'),
    async ({ expect, onTestFinished }) => {
      const { box, get } = await scene(onTestFinished);
      const [own, next] = [box.path('own'), box.path('next')];
      await writeFile(own, 'first passphrase\n', { mode: 0o600 });
      await writeFile(next, 'second passphrase\n', { mode: 0o600 });
      const first = await box.run(['rotate', '--depth', 'unlock', '--new-passphrase-file', own]);
      expect(first, first.stderr).toMatchObject({ exitCode: 0 });
      const server = await serving(box, ['--no-console', '--passphrase-file', own], onTestFinished);
      await replaceSecret(
        { expect, server, get },
        () => box.run(['rotate', '--depth', 'unlock', '--passphrase-file', own, '--new-passphrase-file', next]),
        () => rename(next, own),
      );
    },
  );

  it('goes on where the store moves if it may, and otherwise ends and says where that is', async ({
    expect,
    onTestFinished,
  }) => {
    const { box, get } = await scene(onTestFinished);
    const to = `sqlite:${box.path('there')}`;
    const follower = await serving(box, ['--no-console', '--follow-to', to], onTestFinished);
    const stayer = await serving(box, ['--no-console'], onTestFinished);
    const moved = await box.run(['migrate', to]);
    expect(moved, moved.stderr).toMatchObject({ exitCode: 0 });
    const put = await box.run(['put', 'k'], { env: { SECURESTORE_URL: to }, input: 'there' });
    expect(put, put.stderr).toMatchObject({ exitCode: 0 });
    await vi.waitUntil(async () => (await get(follower)) === 'there', PATIENCE);
    // It need not be asked for anything.
    const { exitCode, stderr } = await stayer.ended;
    expect(exitCode).toBe(7);
    expect(jsonLines(stderr).at(-1)).toMatchObject({ code: 'LOCKED', message: expect.stringContaining(to) });
    const ended = await follower.stop();
    expect(ended.exitCode).toBe(0);
    expect(jsonLines(ended.stderr)).toMatchObject([{ level: 'info', message: expect.stringContaining(to) }]);
  });
});
