import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from './support/cli.ts';
import { converse, type Exchange, hasTerminals } from './support/converse.ts';
import { treeOf } from './support/tree.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const CANARY = 'canary päss 4b7e';
const STORE = ['--store', 'sqlite:./vault'] as const;
const asked: Exchange = ['Passphrase (not shown): ', `${CANARY}\r`];

describe.skipIf(!hasTerminals)(
  `on a terminal${hasTerminals ? '' : ' (skipped: python3 has no pty module here)'}`,
  () => {
    it('init asks twice, and nothing that is typed shows', async () => {
      const box = await sandbox('none');
      const twice: Exchange[] = [
        ['New passphrase (not shown): ', `\r`],
        ['It is empty', `${CANARY}\r`],
        ['The same again (not shown): ', `${CANARY}\r`],
      ];
      const made = await converse(box, ['init', 'sqlite:./vault'], twice);
      expect(made.exitCode).toBe(0);
      expect(made.transcript).toContain('fingerprint: ');
      expect(made.transcript).not.toContain('canary');

      if (LONG) {
        const differ: Exchange[] = [
          ['New passphrase (not shown): ', `${CANARY}\r`],
          ['The same again (not shown): ', 'another\r'],
        ];
        expect(await converse(box, ['init', 'sqlite:./other'], differ)).toMatchObject({ exitCode: 2 });
        expect((await box.run(['--store', 'sqlite:./other', 'ls'])).exitCode).toBe(3);
      }

      const data: Exchange = ['Data of k (not shown): ', 'canary data\r'];
      const stored = await converse(box, [...STORE, 'put', 'k'], [asked, data]);
      expect(stored.exitCode).toBe(0);
      expect(stored.transcript).not.toContain('canary');
      if (LONG) {
        const piped = await converse(box, [...STORE, 'put', 'p'], [asked], 'from a pipe');
        expect(piped.transcript).toContain('stored p, 11 bytes');
      }
      const shown = await converse(box, [...STORE, 'get', 'k'], [asked]);
      expect(shown.transcript).toMatch(/canary data\r\n$/);
      if (LONG) {
        expect(await converse(box, [...STORE, 'ls'], [['Passphrase', 'wrong\r']])).toMatchObject({ exitCode: 9 });
      }
      expect(await converse(box, [...STORE, 'ls'], [['Passphrase', 'abc\u0003']])).toMatchObject({ exitCode: 130 });
    });

    it.runIf(LONG)(
      onlyLong('rotate asks for the new passphrase twice, and shows neither'),
      { timeout: 60_000 },
      async () => {
        const box = await sandbox();
        const rotate = ['rotate', '--depth', 'unlock'];
        const differ: Exchange[] = [
          ['New passphrase (not shown): ', `${CANARY}\r`],
          ['The same again (not shown): ', 'another\r'],
        ];
        expect(await converse(box, rotate, differ)).toMatchObject({ exitCode: 2 });
        const twice: Exchange[] = [
          ['New passphrase (not shown): ', `${CANARY}\r`],
          ['The same again (not shown): ', `${CANARY}\r`],
        ];
        const rotated = await converse(box, rotate, twice);
        expect(rotated.exitCode).toBe(0);
        expect(rotated.transcript).toContain('the new secret opens the store');
        expect(rotated.transcript).not.toContain('canary');
        expect((await box.run(['ls'], { env: { SECURESTORE_PASSPHRASE: CANARY } })).exitCode).toBe(0);
      },
    );

    it('keys destroy says what is lost and until when it can be undone, and takes nothing but yes for yes', async () => {
      const box = await sandbox();
      await box.seed({ k: 'data' });
      const question = 'Destroy? [y/N] ';
      const refused = await converse(box, ['keys', 'destroy', 'default', '--wait', '7d'], [[question, 'n\r']]);
      expect(refused.exitCode).toBe(130);
      expect(refused.transcript).toContain('Every object of the category default becomes unreadable at once: 1 object');
      expect(refused.transcript).toMatch(/Until .*Z it can be undone with: securestore keys undo default/);
      expect((await box.run(['get', 'k'])).stdout).toBe('data');
      const destroyed = await converse(box, ['keys', 'destroy', 'default'], [[question, 'y\r']]);
      expect(destroyed.exitCode).toBe(0);
      expect(destroyed.transcript).toMatch(/keys destroy: waiting until no process uses the keys any more, \d s/);
      expect((await box.run(['get', 'k'])).exitCode).toBe(5);
    });

    it.runIf(LONG)(onlyLong('slots remove asks about the slot in use, and about no other'), async () => {
      const box = await sandbox();
      const [first] = jsonLines((await box.run(['slots', '--json'])).stdout);
      const id = String(first?.['id']);
      const [other] = jsonLines((await box.run(['slots', 'add', '--new-key-file', 'second.key', '--json'])).stdout);
      const question = 'this command was opened by its secret, which will no longer open the store. Remove it? [y/N] ';
      expect(await converse(box, ['slots', 'remove', id], [[question, 'n\r']])).toMatchObject({ exitCode: 130 });
      expect(await converse(box, ['slots', 'remove', String(other?.['id'])], [])).toMatchObject({ exitCode: 0 });
      const last = await converse(box, ['slots', 'remove', id], []);
      expect(last.exitCode).toBe(2);
    });

    it('migrate --lost looks before it asks, and asks with what there is', { timeout: 60_000 }, async () => {
      const box = await sandbox('file');
      await box.seed({ k: 'data', l: 'more' });
      const here = ['migrate', 'file:./vault', '--lost'];
      const unmoved = await converse(box, here, []);
      expect(unmoved).toMatchObject({ exitCode: 3, transcript: expect.stringContaining('has not moved from here') });
      expect((await box.run(['migrate', 'file:./vault', 'file:./new'])).exitCode).toBe(0);
      const open = await converse(box, here, []);
      expect(open).toMatchObject({ exitCode: 6, transcript: expect.stringContaining('the store is at file:') });

      await rm(box.path('new'), { recursive: true });
      const question = 'is given up. [y/N] ';
      const refused = await converse(box, here, [[question, 'n\r']]);
      expect(refused.exitCode).toBe(130);
      expect(refused.transcript.replaceAll(/\s+/g, ' ')).toMatch(
        /The store moved from file:\S+vault to file:\S+new at \S+ \S+Z, and is not there\. Open it again at file:\S+vault, with what it had then \(2 objects, deletions included\)\? What was written at file:\S+new since then is given up\./,
      );
      const unasked = await box.run(here);
      expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('add --yes to do it') });
      expect((await box.run(['ls'])).exitCode).toBe(7);
      expect(await converse(box, here, [[question, 'y\r']])).toMatchObject({ exitCode: 0 });
      expect((await box.run(['get', 'k'])).stdout).toBe('data');
    });

    it('purge asks, and takes nothing but yes for yes', async () => {
      const box = await sandbox();
      await box.seed({ k: 'data' });
      const question = 'Destroy k with all its versions, for good? [y/N] ';
      const answers = ['yeah\r', '\u0003', ...(LONG ? ['n\r', '\r', 'x\r', '\u0004'] : [])];
      for (const answer of answers) {
        expect(await converse(box, ['purge', 'k'], [[question, answer]])).toMatchObject({ exitCode: 130 });
      }
      expect((await box.run(['get', 'k'])).stdout).toBe('data');
      expect(await converse(box, ['purge', 'k'], [[question, 'y\r']])).toMatchObject({ exitCode: 0 });
      expect((await box.run(['get', 'k'])).exitCode).toBe(3);
    });

    it.runIf(LONG)(
      onlyLong('purge asks nothing about what is not there, and asks about what is deleted or damaged'),
      async () => {
        const box = await sandbox('file');
        await box.seed({ k: 'data' });
        const missing = await converse(box, ['purge', 'missing'], []);
        expect(missing).toMatchObject({ exitCode: 3, transcript: expect.stringContaining('no such object') });
        expect((await box.run(['purge', 'missing'])).exitCode).toBe(3);
        const question = 'Destroy k with all its versions, for good? [y/N] ';
        await box.run(['rm', 'k']);
        expect(await converse(box, ['purge', 'k'], [[question, 'n\r']])).toMatchObject({ exitCode: 130 });
        for (const name of (await treeOf(box.path('vault', 'o'))).keys()) {
          await writeFile(box.path('vault', 'o', name), 'no record');
        }
        expect(await converse(box, ['purge', 'k'], [[question, 'y\r']])).toMatchObject({ exitCode: 0 });
      },
    );

    it('put from - says how the data ends', async () => {
      const box = await sandbox();
      const typed: Exchange[] = [['type the data; Ctrl-D on a line of its own ends it', 'two\rlines\r\u0004']];
      expect(await converse(box, ['put', 'k', '-'], typed)).toMatchObject({ exitCode: 0 });
      expect((await box.run(['get', 'k'])).stdout).toBe('two\nlines\n');
    });

    it.each(LONG ? ['put', 'purge'] : ['put'])(
      '%s asks for nothing but the passphrase where that is wrong',
      async (verb) => {
        const box = await sandbox();
        await writeFile(box.path('wrong'), 'a passphrase that opens nothing', { mode: 0o600 });
        const ended = await converse(box, [verb, 'k', '--passphrase-file', 'wrong'], []);
        expect(ended.exitCode).toBe(9);
        expect(ended.transcript).not.toMatch(/Data of|\[y\/N\]/);
      },
    );

    it('get keeps control characters from it unless told to', async () => {
      const box = await sandbox();
      await box.seed({ k: 'a\u001b]0;title\u0007b' });
      const refused = await converse(box, ['get', 'k'], []);
      expect(refused.exitCode).toBe(2);
      expect(refused.transcript).not.toContain('\u001b]0;title');
      const told = await converse(box, ['get', 'k', '-o', '-'], []);
      expect(told).toEqual({ exitCode: 0, transcript: 'a\u001b]0;title\u0007b' });
      // U+009B is `ESC [` in one character.
      const controls = ['a\u009b35mb', Buffer.from([0x61, 0x9b, 0x33, 0x35, 0x6d])];
      for (const data of LONG ? controls : controls.slice(1)) {
        await box.seed({ c1: data });
        const result = await converse(box, ['get', 'c1'], []);
        expect(result.exitCode).toBe(2);
        expect(result.transcript).not.toContain('35m');
      }
      await box.seed({ text: 'größe 🔐' });
      expect(await converse(box, ['get', 'text'], [])).toMatchObject({ exitCode: 0 });
    });
  },
);
