import { redactLocation } from '@securestore/backend-api';
import { inject, it } from 'vitest';
import { backupScene } from '../../cli/test/support/backups.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';
import { freshLocation } from './support/stores.ts';

const server = inject('redis');

if ('skip' in server) {
  it.skip(`the command line on redis (skipped: ${server.skip})`, () => undefined);
} else {
  it.runIf(LONG)(
    onlyLong('migrate says what *** stands for in the commands that it names'),
    async ({ expect, onTestFinished }) => {
      const { run, location } = await backupScene(onTestFinished);
      const to = freshLocation(server.url);
      const moved = await run(['migrate', location, to]);
      expect(moved.exitCode).toBe(0);
      expect(redactLocation(to)).toContain('***');
      expect(moved.stdout).toContain(`securestore migrate ${redactLocation(to)} --finalize`);
      expect(moved.stdout).toMatch(
        /\n\*\*\* stands for what is not printed of a location, .*: write it as you gave it\n$/,
      );
    },
    180_000,
  );
}
