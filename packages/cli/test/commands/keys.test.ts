import { describe, it } from 'vitest';
import { categoryScene, withCategory } from '../support/category.ts';
import { jsonLines } from '../support/cli.ts';
import { converse, hasTerminals } from '../support/converse.ts';

// Most of it is waiting for other processes, six seconds each time, so the tests wait side by side. The longest comes first.
describe.concurrent('keys', { timeout: 120_000 }, () => {
  it('destroy takes a retired key version, and none that is in use', async (context) => {
    const { expect } = context;
    const run = await withCategory(context);
    const [inUse] = jsonLines((await run(['key', 'list', '--json'])).stdout);
    expect((await run(['key', 'destroy', String(inUse?.['id']), '--yes'])).exitCode).toBe(2);
    expect((await run(['rotate', '--same-secret'])).exitCode).toBe(0);
    const gone = await run(['key', 'destroy', String(inUse?.['id']), '--wait', '0d', '--yes']);
    expect(gone.stdout).toMatch(
      /^([0-9a-f]{16}) of \S+: destroyed\ndestroyed for ever: what old copies and backups hold under the key version \1 cannot be read any more; there is no way back\n$/,
    );
    expect((await run(['get', 'users/1'])).stdout).toBe('personal, changed');
  });

  it('lists key versions, with --usage the number of versions under each', async (context) => {
    const { expect } = context;
    const run = await withCategory(context);
    const listed = await run(['key', 'list', '--usage']);
    expect(listed.stdout).toMatch(/^ID +STATE +CREATED +DUE +VERSIONS +CATEGORY$/m);
    expect(listed.stdout).toMatch(/^[0-9a-f]{16} +primary .* 2 {2}pii$/m);
    // It seals no objects, only what the store has for itself.
    expect(listed.stdout).toMatch(/^[0-9a-f]{16} +primary .* - {2}\(journal\)$/m);
    const lines = jsonLines((await run(['key', 'list', '--usage', '--json'])).stdout);
    expect(lines.find(({ category }) => category === 'pii')).toMatchObject({
      state: 'primary',
      kind: 'category',
      versions: 2,
    });
    expect(lines.find(({ kind }) => kind === 'journal')).not.toHaveProperty('versions');
    expect(jsonLines((await run(['key', 'list', '--json'])).stdout)[0]).not.toHaveProperty('versions');
  });

  it('destroy needs --yes without a terminal, makes a category unreadable, and undo brings it back', async (context) => {
    const { expect } = context;
    const run = await withCategory(context);
    const lost = 'Every object of the category pii becomes unreadable at once: 2 versions in all';
    const asked = await run(['key', 'destroy', 'pii']);
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain(`the command destroys encryption keys. ${lost}`);
    expect((await run(['get', 'users/1'])).exitCode).toBe(0);
    expect((await run(['key', 'destroy', 'nothing', '--yes'])).exitCode).toBe(3);
    const destroyed = await run(['key', 'destroy', 'pii', '--yes']);
    expect(destroyed.exitCode).toBe(0);
    expect(destroyed.stderr).toContain(lost);
    expect(destroyed.stdout).toMatch(/^[0-9a-f]{16} of pii: destroying, can be undone until [-0-9]+ [:0-9]+Z\n$/);
    const gone = await run(['get', 'users/1']);
    expect(gone.exitCode).toBe(5);
    expect(gone.stderr).toMatch(
      / \[KEY_DESTROYED\]\nhint: to undo it: securestore key undo pii .*\nsee: \S+#key_destroyed\n$/,
    );
    expect((await run(['get', 'else'])).exitCode).toBe(0);
    const long = await run(['ls', '--long']);
    expect(long.exitCode).toBe(8);
    expect(long.stdout).toMatch(/ else$/m);
    expect(long.stdout).not.toContain('users/1');
    expect(long.stderr).toMatch(/^failed: users\/1: the key version .* \[KEY_DESTROYED\]\n/);
    expect((await run(['key', 'undo', 'pii'])).stdout).toMatch(/^[0-9a-f]{16} of pii: primary\n$/);
    expect((await run(['get', 'users/1'])).stdout).toBe('personal, changed');
    expect((await run(['key', 'undo', 'pii'])).exitCode).toBe(2);
  });

  it('finishes what is due and says so; then it can not be undone', async (context) => {
    const { expect } = context;
    const run = await withCategory(context);
    const now = await run(['key', 'destroy', 'pii', '--wait', '1s', '--yes', '--json']);
    const [key] = jsonLines(now.stdout);
    expect(key).toMatchObject({ category: 'pii', state: 'destroying', destroyAt: expect.any(String) });
    await expect.poll(() => Date.now(), { timeout: 60_000 }).toBeGreaterThan(Date.parse(String(key?.['destroyAt'])));
    const listed = await run(['key', 'list']);
    expect(listed.stderr).toBe(`destroyed now, as it was scheduled: ${String(key?.['id'])}\n`);
    expect(listed.stdout).toMatch(/destroyed .*pii$/m);
    expect((await run(['key', 'undo', 'pii'])).exitCode).toBe(5);
    expect((await run(['get', 'users/1'])).exitCode).toBe(5);
  });

  it.skipIf(!hasTerminals)(
    'destroy without a waiting period asks with the word that there is no way back',
    async (context) => {
      const { expect } = context;
      const { box, env } = await categoryScene(context);
      const args = ['key', 'destroy', 'pii', '--no-anchor', '--wait'];
      const place = { ...box, env: { ...box.env, ...env } };
      const never = await converse(place, [...args, '0s'], [['to do it: ', 'y\r']]);
      expect(never.exitCode).toBe(130);
      expect(never.transcript).toContain('so there is no way back: key undo cannot undo it.');
      const later = await converse(place, [...args, '1d'], [['to do it: ', 'y\r']]);
      expect(later.exitCode).toBe(130);
      expect(later.transcript).toMatch(/Until \S+ \S+Z it can be undone with: securestore key undo pii/);
      expect(later.transcript).not.toContain('no way back');
    },
  );
});
