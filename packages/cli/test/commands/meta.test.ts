import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';
import { runBeside } from '../support/in-process.ts';

const CANARY = 'canary metadata 7c1d';

describe('meta', () => {
  it('changes the names that it is given, and keeps the data, the expiry and everything else', async () => {
    const box = await sandbox();
    await box.run(['put', 'k', '--meta', 'owner=ops', '--meta', 'ticket=7', '--expires', '2999-01-01'], {
      input: 'data',
    });
    const set = await box.run(['meta', 'set', 'k', 'owner=dev', 'env=a=b', '--unset', 'ticket', '--json']);
    expect(set).toMatchObject({ exitCode: 0, stderr: '' });
    expect(jsonLines(set.stdout)).toMatchObject([
      { key: 'k', changed: true, metadata: { owner: 'dev', env: 'a=b' }, expires: '2999-01-01T00:00:00.000Z' },
    ]);
    expect((await box.run(['get', 'k'])).stdout).toBe('data');
    expect((await box.run(['meta', 'get', 'k'])).stdout).toBe('owner  dev\nenv    a=b\n');
    expect((await box.run(['meta', 'get', 'k', 'env'])).stdout).toBe('a=b\n');
    expect(jsonLines((await box.run(['meta', 'get', 'k', '--json'])).stdout)).toMatchObject([
      { key: 'k', metadata: { owner: 'dev', env: 'a=b' } },
    ]);
  });

  it('makes no version if nothing changes, and says what it did not find', async () => {
    const box = await sandbox();
    await box.run(['put', 'k', '--meta', 'owner=ops'], { input: 'data' });
    const same = await box.run(['meta', 'set', 'k', 'owner=ops', '--unset', 'none']);
    expect(same).toMatchObject({
      exitCode: 0,
      stdout: 'the metadata of k is unchanged\n',
      stderr: 'note: the metadata "none" did not exist\n',
    });
    expect(jsonLines((await box.run(['history', 'k', '--json'])).stdout)).toHaveLength(1);
  });

  it('keeps what is no text, and takes any name for one like any other', async () => {
    const box = await sandbox();
    await box.seed({ k: 'x' }, { metadata: { tags: ['a', 'b'], count: 2 } });
    expect((await box.run(['meta', 'set', 'k', '__proto__=x', 'constructor=y'])).exitCode).toBe(0);
    const [line] = jsonLines((await box.run(['meta', 'get', 'k', '--json'])).stdout);
    expect(Object.entries(Object(line?.['metadata']))).toEqual(
      expect.arrayContaining([
        ['tags', ['a', 'b']],
        ['count', 2],
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
    );
    expect((await box.run(['meta', 'get', 'k', 'tags'])).stdout).toBe('["a","b"]\n');
    expect((await box.run(['meta', 'get', 'k', 'toString'])).exitCode).toBe(3);
  });

  it('loses no change of writers that change an object at the same time', async () => {
    const box = await sandbox();
    await box.seed({ k: 'x' });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const results = await Promise.all(
      names.map((name) => runBeside(box.path(), ['meta', 'set', 'k', `${name}=1`], { env: box.env, input: '' })),
    );
    expect(results.map(({ exitCode, stderr }) => `${exitCode} ${stderr}`)).toEqual(names.map(() => '0 '));
    const [line] = jsonLines((await box.run(['meta', 'get', 'k', '--json'])).stdout);
    expect(Object.keys(Object(line?.['metadata'])).toSorted()).toEqual(names);
  });

  it.each([
    [['meta', 'show', 'k'], "unknown command 'show'"],
    [['meta', 'set', 'k'], 'meta set needs NAME=VALUE or --unset NAME'],
    [['meta', 'set', 'k', CANARY], 'meta set takes NAME=VALUE'],
    [['meta', 'set', 'k', `a=${CANARY}`, 'a=1'], 'meta set gives "a" twice'],
    [['meta', 'set', 'k', `a=${CANARY}`, '--unset', 'a'], 'meta set cannot both set and remove "a"'],
    [['meta', 'get', 'k', 'a', 'b'], 'too many arguments'],
    [['meta', 'get', 'k', '--unset', 'a'], "unknown option '--unset'"],
    [['meta', 'get', '/k'], 'empty segment'],
  ])('refuses %j, and repeats no value', async (args, says) => {
    const box = await sandbox();
    const { exitCode, stdout, stderr } = await box.run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr).not.toContain(CANARY);
  });

  it('ends with exit code 3 for what does not exist, and repeats no value in hints', async () => {
    const box = await sandbox();
    for (const args of [
      ['meta', 'get', 'none'],
      ['meta', 'set', 'none', `a=${CANARY}`],
    ]) {
      const { exitCode, stderr } = await box.run(args);
      expect(exitCode).toBe(3);
      expect(stderr).not.toContain(CANARY);
    }
    const away = await box.run(['meta', 'set', 'k', `a=${CANARY}`], {
      env: { SECURESTORE_URL: 'http://127.0.0.1:9', SECURESTORE_TOKEN: 'sst_x' },
    });
    expect(away.exitCode).toBe(7);
    expect(away.stderr).not.toContain(CANARY);
  });
});
