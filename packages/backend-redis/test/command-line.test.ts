import { redactStoreUrl } from '@securestore/backend-api';
import { inject, it } from 'vitest';
import { backupScene } from '../../cli/test/support/backups.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';
import { freshUrl } from './support/stores.ts';

const server = inject('redis');

if ('skip' in server) {
  it.skip(`the command line on redis (skipped: ${server.skip})`, () => undefined);
} else {
  it.runIf(LONG)(
    onlyLong('migrate says what *** stands for in the commands that it names'),
    async ({ expect, onTestFinished }) => {
      const { run, url } = await backupScene(onTestFinished);
      const to = freshUrl(server.url);
      const moved = await run(['migrate', url, to]);
      expect(moved.exitCode).toBe(0);
      expect(redactStoreUrl(to)).toContain('***');
      expect(moved.stdout).toContain(`securestore migrate ${redactStoreUrl(to)} --finalize`);
      expect(moved.stdout).toMatch(
        /\n\*\*\* stands for what is not printed of a store URL, .*: write it as you gave it\n$/,
      );
    },
    180_000,
  );
}
