import { describe, expect, it } from 'vitest';
import { jsonLines, type Result, sandbox } from '../support/cli.ts';

// A change of categories waits for other processes.
describe.concurrent('settings', () => {
  it('are shown, and changed', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const [before] = jsonLines((await box.run(['settings', '--json'])).stdout);
    expect(before).toMatchObject({ categories: {}, history: { versions: 10, days: 30 }, rotation: { days: 0 } });
    const version = String(before?.['version']);
    const changed = await box.run(['settings', 'change', '--history-days', '90', '--if-version', version]);
    expect(changed).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('collection') });
    expect(changed.stdout).toMatch(
      /^changed the settings\n(.*\n)*history +10 older versions of each object, and all that were replaced less than 90 days ago\n/,
    );
    const late = await box.run(['settings', 'change', '--rotation-days', '9', '--if-version', version]);
    expect(late).toMatchObject({ exitCode: 6, stdout: '' });
  });

  it('get other categories, for names that are to come', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.seed({ 'db/user': 'ops' });
    const refused = await box.run(['settings', 'change', '--define-category', 'prod=db/**']);
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
    expect(refused.stderr).toMatch(
      /"db\/user" is in the category "default".*\nhint: .*: securestore member add .* --category prod --prefix db\/ --into NEW_FOLDER\/\nhint: .*: securestore migrate .* TARGET --reencrypt/,
    );
    const changed = await box.run(['settings', 'change', '--define-category', 'pii=users/**', '--json']);
    expect(jsonLines(changed.stdout)).toMatchObject([{ categories: { pii: ['users/**'] } }]);
    await box.run(['put', 'users/1'], { input: 'x' });
    expect(jsonLines((await box.run(['info', 'users/1', '--json'])).stdout)).toMatchObject([{ category: 'pii' }]);
  });

  it('keep the categories that a change does not name, and retire one only if asked to', async ({ onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const change = (...args: string[]): Promise<Result> => box.run(['settings', 'change', ...args, '--json']);
    await change('--define-category', 'pii=users/**', '--define-category', 'prod=prod/**');
    const added = await change('--define-category', 'team=team/**');
    const all = { pii: ['users/**'], prod: ['prod/**'], team: ['team/**'] };
    expect(jsonLines(added.stdout)[0]?.['categories']).toEqual(all);
    const wider = ['--define-category', 'prod=prod/**', '--define-category', 'prod=team/prod/**'];
    const noted = await box.run(['settings', 'change', ...wider]);
    expect(noted.stderr).toContain('keys that match both team/prod/** and team/** belong to prod, which comes first');
    const widened = await change(...wider);
    expect(jsonLines(widened.stdout)).toMatchObject([{ categories: { ...all, prod: ['prod/**', 'team/prod/**'] } }]);
    const retired = await change('--retire-category', 'pii');
    expect(jsonLines(retired.stdout)).toMatchObject([{ categories: { pii: [], team: ['team/**'] } }]);
    expect((await box.run(['settings'])).stdout).toMatch(/category pii +retired/);
    expect(await change('--retire-category', 'none')).toMatchObject({ exitCode: 3, stdout: '' });
    expect(await change('--retire-category', 'pii', '--define-category', 'pii=p/**')).toMatchObject({ exitCode: 2 });
  });

  it('are other ones of the objects that there are, once the store is sealed anew with them', async ({
    onTestFinished,
  }) => {
    const box = await sandbox('sqlite', onTestFinished);
    await box.seed({ 'db/user': 'ops' });
    const [from, to] = [`sqlite:${box.path('vault')}`, `sqlite:${box.path('anew')}`];
    const key = box.path('anew.key');
    const given = ['--define-category', 'prod=db/**', '--new-key-file', key];
    const moved = await box.run(['migrate', from, to, '--reencrypt', ...given]);
    expect(moved, moved.stderr).toMatchObject({ exitCode: 0 });
    const shown = await box.run(['info', 'db/user', '--json', '--store', to, '--key-file', key]);
    expect(jsonLines(shown.stdout)).toMatchObject([{ category: 'prod' }]);
    const alone = await box.run(['migrate', from, to, '--define-category', 'prod=db/**']);
    expect(alone).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('need --reencrypt') });
  });

  it.for([
    [['settings', 'set'], 'the action of settings must be show or change'],
    [['settings', '--history-days', '1'], '--history-days belongs to settings change'],
    [['settings', 'change'], 'change needs --define-category'],
    [['settings', 'change', '--history-days', 'x'], '--history-days must be a whole number'],
  ] as const)('%j is refused', async ([args, told], { onTestFinished }) => {
    const box = await sandbox('sqlite', onTestFinished);
    const refused = await box.run([...args]);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain(told);
  });
});
