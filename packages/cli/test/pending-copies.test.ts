import { describe, it } from 'vitest';
import { backupScene } from './support/backups.ts';

describe('a store that was restored beside the one that it is a copy of', () => {
  it('names the backups of the other as such, and takes them over with --take-over alone', async ({
    expect,
    onTestFinished,
  }) => {
    const { run, destination, path } = await backupScene(onTestFinished);
    await run(['backup', destination]);
    const copy = ['--store', `file:${path('copy')}`];
    expect((await run(['restore', destination, '--to', `file:${path('copy')}`])).exitCode).toBe(0);
    const rotated = await run(['rotate', '--same-secret', ...copy]);
    expect(rotated.exitCode).toBe(8);
    expect(rotated.stdout).not.toContain('which were not reached');
    expect(rotated.stdout).toContain(
      `\nchanged in the store, but not in the backups at ${destination}, which are of another copy of it\n` +
        `to use that destination no longer: securestore destination remove ${destination} `,
    );
    expect(rotated.stdout).toContain(
      `\nif the store that this one was restored from is lost, to take its backups over: securestore backup ${destination} --take-over `,
    );
    const json = JSON.parse((await run(['rotate', '--same-secret', '--json', ...copy])).stdout.trim()) as object;
    expect(json).toMatchObject({ summary: { pending: [destination], otherCopies: [destination] } });
    expect((await run(['destination', 'list', ...copy])).stdout).toContain('has the backups of another copy');
    // No backup of the store lacks the change, so that a script need not take it for failed.
    const allowed = await run(['approval', 'add', 'read', '--keys', 'mail/**', ...copy]);
    expect(allowed).toMatchObject({ exitCode: 0 });
    expect(allowed.stderr).toContain(`not in the backups at ${destination}, which are of another copy of it\n`);
    const refused = await run(['backup', destination, ...copy]);
    expect(refused).toMatchObject({ exitCode: 6, stdout: '' });
    expect(refused.stderr).toContain('has the backups of the store that this one was restored from');
    expect(refused.stderr).toMatch(
      /^hint: if that store is lost, .* to take them over: securestore backup .* --take-over/m,
    );
    expect((await run(['job', 'list', ...copy])).stdout).toBe('');
    expect((await run(['backup', destination])).exitCode).toBe(0);

    expect((await run(['backup', destination, '--take-over', ...copy])).exitCode).toBe(0);
    expect((await run(['backup', destination, ...copy])).exitCode).toBe(0);
    const left = await run(['rotate', '--same-secret']);
    expect(left.exitCode).toBe(8);
    expect(left.stdout).toContain(
      `\nchanged in the store, but not in the backups at ${destination}, which are of another copy of it\n`,
    );
    expect(left.stdout).not.toContain('--take-over');
    expect((await run(['destination', 'remove', destination])).exitCode).toBe(0);
    expect((await run(['rotate', '--same-secret'])).exitCode).toBe(0);
  });
});
