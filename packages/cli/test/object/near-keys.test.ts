import { expect, it } from 'vitest';
import { sandbox } from '../support/cli.ts';

it('a key that does not exist leads to those that may be meant', async () => {
  const box = await sandbox();
  await box.seed({ 'db/password': 'x', 'db/user': 'y', 'team/one': 'z' });
  const hintOf = async (...args: readonly string[]): Promise<readonly [number | null, string]> => {
    const { exitCode, stderr } = await box.run(args);
    return [exitCode, /^hint: (.*)$/m.exec(stderr)?.[1] ?? stderr];
  };
  for (const verb of ['get', 'info', 'history', 'rm', 'purge']) {
    expect([verb, ...(await hintOf(verb, 'db', '--yes'))]).toEqual([
      verb,
      3,
      '2 keys are below "db/"; to list them: securestore ls db/',
    ]);
  }
  expect(await hintOf('meta', 'get', 'team')).toEqual([3, '1 key is below "team/"; to list it: securestore ls team/']);
  for (const verb of ['mv', 'cp']) {
    expect(await hintOf(verb, 'db', 'old')).toEqual([3, '2 keys are below "db/"; add --recursive for all of them']);
  }
  expect(await hintOf('get', 'db/passwrd')).toEqual([3, 'to find similar keys: securestore find pass']);
  expect((await box.run(['find', 'pass'])).stdout).toBe('db/password\n');
  // No key contains `non`.
  expect(await hintOf('get', 'team/non')).toEqual([3, 'to list the keys below "team/": securestore ls team/']);
  expect(await hintOf('get', 'db/one')).toEqual([3, 'to find similar keys: securestore find one']);
  expect(await hintOf('get', 'nowhere/xyz')).toEqual([3, 'to list the keys: securestore ls']);
  // Its key exists: what is missing is the version.
  expect((await box.run(['get', 'db/user', '--at', '2020-01-01'])).stderr.split('\n').slice(1)).toEqual([
    'hint: to list its versions, for --version-id: securestore history db/user',
    '',
  ]);
});

it('ls says that it takes no pattern', async () => {
  const box = await sandbox();
  await box.seed({ 'db/password': 'x' });
  expect(await box.run(['ls', 'db/*'])).toMatchObject({
    exitCode: 0,
    stderr: 'no keys under "db/*"\nls takes a prefix, not a pattern: securestore ls db/\n',
  });
});

it('no hint leads to keys in a store that has none', async () => {
  const box = await sandbox();
  expect(await box.run(['get', 'a/b'])).toMatchObject({
    exitCode: 3,
    stderr: 'error: "a/b": the object does not exist [NOT_FOUND]\n',
  });
});
