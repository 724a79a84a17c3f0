import { cp } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { sandbox } from '../support/cli.ts';

it('takes a copy of a backup as the destination, after the hints of the refusal', async () => {
  const box = await sandbox();
  const [old, copy] = [`file:${box.path('old')}`, `file:${box.path('copy')}`];
  await box.seed({ 'db/password': 's3cr3t' });
  expect(await box.run(['backup', old])).toMatchObject({ exitCode: 0 });
  await cp(box.path('old'), box.path('copy'), { recursive: true });
  const refused = await box.run(['backup', copy]);
  expect(refused.exitCode).toBe(6);
  expect(refused.stderr.split('\n').slice(1)).toEqual([
    `hint: if ${old} is gone for good, remove it, and repeat the command: securestore destination remove ${old}`,
    'hint: choose another store URL, with nothing there',
    '',
  ]);
  expect(await box.run(['destination', 'remove', old])).toMatchObject({ exitCode: 0 });
  expect(await box.run(['backup', copy])).toMatchObject({ exitCode: 0 });
});
