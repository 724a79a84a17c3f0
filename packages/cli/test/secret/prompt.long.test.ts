import { rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { jsonLines, sandbox } from '../support/cli.ts';
import { converse, hasTerminals, type Exchange, unwrapped } from '../support/converse.ts';
import { treeOf } from '../support/tree.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

const CANARY = 'canary päss 4b7e';
const STORE = ['--store', 'sqlite:./vault'] as const;
const OFFER = 'Press Enter to take it, or type your own (not shown): ';
const asked: Exchange = ['Passphrase (not shown): ', `${CANARY}\r`];

describe.skipIf(!hasTerminals)(
  `on a terminal${hasTerminals ? '' : ' (skipped: python3 has no pty module here)'}`,
  () => {
    it('init asks twice, and nothing that is typed shows', async () => {
      const box = await sandbox('none');
      const twice: Exchange[] = [
        [OFFER, `${CANARY}\r`],
        ['The same again (not shown): ', `\r`],
        ['The answer is empty', `${CANARY}\r`],
      ];
      const made = await converse(box, ['init', 'sqlite:./vault'], twice);
      expect(made.exitCode).toBe(0);
      expect(made.transcript).toContain('fingerprint: ');
      expect(made.transcript).not.toContain('canary');

      if (LONG) {
        const differ: Exchange[] = [
          [OFFER, `${CANARY}\r`],
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
        const wrong: Exchange = [asked[0], 'wrong\r'];
        const thrice = await converse(box, [...STORE, 'ls'], [wrong, wrong, wrong]);
        expect(thrice.exitCode).toBe(9);
        expect(thrice.transcript.match(/Try again/g)).toHaveLength(2);
      }
      const second = await converse(box, [...STORE, 'ls'], [[asked[0], 'wrong\r'], asked]);
      expect(second.exitCode).toBe(0);
      expect(second.transcript).toContain(
        'the passphrase does not unlock the store. Try again, or press Ctrl-C to stop.',
      );
      expect(await converse(box, [...STORE, 'ls'], [['Passphrase', 'abc\u0003']])).toMatchObject({ exitCode: 130 });
    });

    it('init offers a passphrase, shows it once on the terminal alone, and ends with what to do next', async () => {
      const box = await sandbox('none');
      const made = await converse(box, ['init', 'sqlite:./vault'], [[OFFER, '\r']]);
      expect(made.exitCode).toBe(0);
      const shown = made.transcript.match(/(?:[2-9a-hj-km-np-z]{4}-){6}[2-9a-hj-km-np-z]{4}/g) ?? [];
      expect(shown).toHaveLength(1);
      expect(unwrapped(made)).toContain(
        'next, to store a first secret: securestore put db/password --store sqlite:./vault',
      );
      const opened = await box.run([...STORE, 'ls'], { env: { SECURESTORE_PASSPHRASE: shown[0] ?? '' } });
      expect(opened.exitCode).toBe(0);
    });

    it('a weak passphrase is asked about, and another one can be typed', async () => {
      const box = await sandbox('none');
      const weak = 'This passphrase is weak: it has 5 characters, fewer than 12. Use it all the same? [y/N] ';
      const another: Exchange[] = [
        [OFFER, 'short\r'],
        ['The same again (not shown): ', 'short\r'],
        [weak, '\r'],
        ['New passphrase (not shown): ', `${CANARY}\r`],
        ['The same again (not shown): ', `${CANARY}\r`],
      ];
      expect(await converse(box, ['init', 'sqlite:./vault'], another)).toMatchObject({ exitCode: 0 });
      const meant: Exchange[] = [
        asked,
        ['New passphrase (not shown): ', 'short\r'],
        ['The same again (not shown): ', 'short\r'],
        [weak, 'y\r'],
      ];
      const kept = await converse(box, [...STORE, 'slots', 'add'], meant);
      expect(kept).toMatchObject({ exitCode: 0 });
      // The terminal echoed neither typing, since no question came between them.
      expect(kept.transcript).not.toContain('short');
      expect((await box.run([...STORE, 'ls'], { env: { SECURESTORE_PASSPHRASE: 'short' } })).exitCode).toBe(0);
    });

    it('a passphrase of a file, a variable or a command that is wrong is asked for by nobody', async () => {
      const box = await sandbox('none');
      await box.run(['init', 'sqlite:./vault'], { env: { SECURESTORE_PASSPHRASE: CANARY } });
      await writeFile(box.path('wrong'), 'a passphrase that opens nothing', { mode: 0o600 });
      for (const secret of [
        ['--passphrase-file', 'wrong'],
        ['--passphrase-command', 'cat wrong'],
      ]) {
        const ended = await converse(box, [...STORE, 'ls', ...secret], []);
        expect(ended.exitCode).toBe(9);
        expect(ended.transcript).not.toContain('Try again');
      }
    });

    it('a passphrase command can ask on the terminal', async () => {
      const box = await sandbox('none');
      await box.run(['init', 'sqlite:./vault'], { env: { SECURESTORE_PASSPHRASE: 'of the manager' } });
      const command = 'printf "PIN? " >&2; read pin </dev/tty; [ "$pin" = 1234 ] && echo "of the manager"';
      const opened = await converse(box, [...STORE, 'ls', '--passphrase-command', command], [['PIN? ', '1234\r']]);
      expect(opened.exitCode).toBe(0);
      const piped = [...STORE, 'put', 'k', '--passphrase-command', command];
      expect(await converse(box, piped, [['PIN? ', '1234\r']], 'data')).toMatchObject({ exitCode: 0 });
      const env = { SECURESTORE_PASSPHRASE: 'of the manager' };
      expect((await box.run([...STORE, 'get', 'k'], { env })).stdout).toBe('data');
    });

    it.runIf(LONG)(onlyLong('rotate asks for the new passphrase twice, and shows neither'), async () => {
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
      expect(rotated.transcript).toContain('the new unlock secret unlocks the store');
      expect(rotated.transcript).not.toContain('canary');
      expect((await box.run(['ls'], { env: { SECURESTORE_PASSPHRASE: CANARY } })).exitCode).toBe(0);
    });

    it('key destroy says what is lost and until when it can be undone, and takes nothing but the name for yes', async () => {
      const box = await sandbox();
      await box.seed({ k: 'data' });
      const question = 'Type default to do it: ';
      for (const answer of ['y', 'yes', 'defaul', '']) {
        const refused = await converse(box, ['key', 'destroy', 'default'], [[question, `${answer}\r`]]);
        expect(refused.exitCode).toBe(130);
      }
      const refused = await converse(box, ['key', 'destroy', 'default', '--wait', '7d'], [[question, 'n\r']]);
      expect(refused.exitCode).toBe(130);
      expect(refused.transcript).toContain(
        'Every object of the category default becomes unreadable at once: 1 version in all',
      );
      expect(refused.transcript).toMatch(/Until .*Z it can be undone with: securestore key undo default/);
      expect((await box.run(['get', 'k'])).stdout).toBe('data');
      const destroyed = await converse(box, ['key', 'destroy', 'default'], [[question, 'default\r']]);
      expect(destroyed.exitCode).toBe(0);
      expect(destroyed.transcript).toMatch(/key destroy: waiting until no process uses the keys any more, \d s/);
      expect((await box.run(['get', 'k'])).exitCode).toBe(5);
    });

    it.runIf(LONG)(onlyLong('slot remove asks about the slot in use, and about no other'), async () => {
      const box = await sandbox();
      const [first] = jsonLines((await box.run(['slot', 'list', '--json'])).stdout);
      const id = String(first?.['id']);
      const [other] = jsonLines((await box.run(['slot', 'add', '--new-key-file', 'second.key', '--json'])).stdout);
      const question =
        'this command unlocked the store by this slot, which will no longer unlock it. Remove it? [y/N] ';
      expect(await converse(box, ['slot', 'remove', id], [[question, 'n\r']])).toMatchObject({ exitCode: 130 });
      expect(await converse(box, ['slot', 'remove', String(other?.['id'])], [])).toMatchObject({ exitCode: 0 });
      const last = await converse(box, ['slot', 'remove', id], []);
      expect(last.exitCode).toBe(2);
    });

    it('migrate --fail-back looks before it asks, and asks with what there is', async () => {
      const box = await sandbox('file');
      await box.seed({ k: 'data', l: 'more' });
      const here = ['migrate', 'file:./vault', '--fail-back'];
      const unmoved = await converse(box, here, []);
      expect(unmoved.exitCode).toBe(3);
      expect(unwrapped(unmoved)).toContain('the store has not moved away from file:');
      expect((await box.run(['migrate', 'file:./vault', 'file:./new'])).exitCode).toBe(0);
      const open = await converse(box, here, []);
      expect(open.exitCode).toBe(6);
      expect(unwrapped(open)).toContain('the store is at file:');

      await rm(box.path('new'), { recursive: true });
      const question = 'is lost. [y/N] ';
      const refused = await converse(box, here, [[question, 'n\r']]);
      expect(refused.exitCode).toBe(130);
      expect(refused.transcript.replaceAll(/\s+/g, ' ')).toMatch(
        /The store was migrated from file:\S+vault to file:\S+new at \S+ \S+Z, and is not there\. Open it again at file:\S+vault, as it was then \(2 objects, deletions included\)\? Everything that was written at file:\S+new since then is lost\./,
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
      await box.seed({ k: 'data' });
      const question = 'Destroy k with all its 2 versions, for good? [y/N] ';
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
        expect(missing).toMatchObject({
          exitCode: 3,
          transcript: expect.stringContaining('the object does not exist'),
        });
        expect((await box.run(['purge', 'missing'])).exitCode).toBe(3);
        await box.run(['rm', 'k']);
        const counted = 'Destroy k with all its 2 versions, for good? [y/N] ';
        expect(await converse(box, ['purge', 'k'], [[counted, 'n\r']])).toMatchObject({ exitCode: 130 });
        for (const name of (await treeOf(box.path('vault', 'o'))).keys()) {
          await writeFile(box.path('vault', 'o', name), 'no record');
        }
        const question = 'Destroy k with all its versions, for good? [y/N] ';
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
