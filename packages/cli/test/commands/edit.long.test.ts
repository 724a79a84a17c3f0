import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { memoryFolder } from '../../src/object/edit-file.ts';
import { COMMAND, finished, jsonLines, sandbox, type Result, type Sandbox } from '../support/cli.ts';
import { converse, type Exchange, hasTerminals } from '../support/converse.ts';
import { runHere } from '../support/in-process.ts';

const CANARY = 'canary-text-5e9a';

const inMemory = await memoryFolder({ env: process.env, platform: process.platform });
const NO_MEMORY = inMemory === undefined ? ' (skipped: there is no file system in memory here)' : '';

/** An editor: a shell script, which finds the file in `$1`. */
async function editorOf(box: Sandbox, script: string): Promise<Readonly<Record<string, string>>> {
  const path = box.path('editor.sh');
  // Of all folders only this one is the test's own.
  await writeFile(path, `#!/bin/sh\nset -eu\ndirname "$1" > '${box.path('folder')}'\n${script}\n`);
  await chmod(path, 0o700);
  await mkdir(box.path('tmp'), { recursive: true });
  return { EDITOR: path, TMPDIR: box.path('tmp') };
}

/** Every file below a folder, whose names and content hold the text. */
async function holding(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && `${path}${await readFile(path, 'latin1')}`.includes(text)) found.push(path);
  }
  return found;
}

/** The folder that the editor has seen is gone, and nothing of the text is anywhere that is the test's own. */
async function expectNoTrace(box: Sandbox, ...texts: readonly string[]): Promise<void> {
  const folder = (await readFile(box.path('folder'), 'utf8')).trim();
  expect(existsSync(folder)).toBe(false);
  await writeFile(box.path('editor.sh'), '');
  for (const text of [CANARY, ...texts]) expect(await holding(box.path(), text)).toEqual([]);
}

async function versions(box: Sandbox, key: string): Promise<number> {
  return jsonLines((await box.run(['history', key, '--json'])).stdout).length;
}

describe.skipIf(inMemory === undefined)(`edit${NO_MEMORY}`, () => {
  it('stores what was changed, with the metadata and expiry of the object', async () => {
    const box = await sandbox();
    await box.seed({ 'app/config.json': 'a=1\n' }, { metadata: { owner: 'ops' }, expires: new Date('2999-01-01') });
    const env = await editorOf(box, `echo b=2 >> "$1"; case "$1" in *.json) ;; *) exit 3;; esac`);
    const edited = await box.run(['edit', 'app/config.json'], { env });
    expect(edited).toMatchObject({ exitCode: 0, stderr: '' });
    expect(edited.stdout).toMatch(/^stored app\/config\.json, 8 bytes, version \S+\n$/);
    expect(jsonLines((await box.run(['get', 'app/config.json', '--json'])).stdout)).toMatchObject([
      { data: 'a=1\nb=2\n', metadata: { owner: 'ops' }, expires: '2999-01-01T00:00:00.000Z' },
    ]);
    const same = await box.run(['edit', 'app/config.json', '--json'], { env: await editorOf(box, 'true') });
    expect(jsonLines(same.stdout)).toEqual([{ key: 'app/config.json', changed: false }]);
    expect(await versions(box, 'app/config.json')).toBe(2);
  });

  it('adds no newline to a text that had none', async () => {
    const box = await sandbox();
    await box.seed({ k: 's3cr3t' });
    expect((await box.run(['edit', 'k'], { env: await editorOf(box, 'echo >> "$1"') })).stdout).toBe(
      'k is unchanged\n',
    );
    await box.run(['edit', 'k'], { env: await editorOf(box, 'echo other > "$1"') });
    expect((await box.run(['get', 'k'])).stdout).toBe('other');
    await box.run(['edit', 'k'], { env: await editorOf(box, `printf 'two\\nlines\\n' > "$1"`) });
    expect((await box.run(['get', 'k'])).stdout).toBe('two\nlines');
  });

  it('has the text in memory alone, for the user alone, and leaves nothing of it', async () => {
    const box = await sandbox();
    await box.seed({ k: CANARY });
    const env = await editorOf(
      box,
      `stat -c '%a' "$1" "$(dirname "$1")" > '${box.path('modes')}'
stat -f -c '%T' "$1" >> '${box.path('modes')}'
env > '${box.path('variables')}'
cp "$1" "$1~"; mkdir "$(dirname "$1")/swap"; cp "$1" "$(dirname "$1")/swap/.text.swp"
cp "$1" "$TMPDIR/copy"; ln -s /etc/passwd "$(dirname "$1")/link"
sed s/canary/CANARY/ "$1" > "$1.new"; mv "$1.new" "$1"`,
    );
    const said = await box.run(['edit', 'k'], { env });
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(box.path('modes'), 'utf8')).toMatch(/^600\n700\n(?:tmpfs|ramfs)\n$/);
    expect(await readFile(box.path('variables'), 'utf8')).not.toMatch(/SECURESTORE|CREDENTIALS_DIRECTORY/);
    expect(`${said.stdout}${said.stderr}`).not.toMatch(/canary/i);
    expect((await box.run(['get', 'k'])).stdout).toBe(CANARY.replace('canary', 'CANARY'));
    await expectNoTrace(box, CANARY.replace('canary', 'CANARY'));
  });

  it('stores nothing if the editor fails or leaves no text, and leaves nothing', async () => {
    const box = await sandbox();
    await box.seed({ k: CANARY });
    for (const [script, exitCode, says] of [
      ['echo changed > "$1"; exit 1', 130, 'the editor ended with exit code 1. Nothing was changed.'],
      ['rm "$1"', 2, 'cannot read the edited file'],
      [`printf '\\377' > "$1"`, 2, 'only UTF-8 text can be edited. Your text was not stored.'],
      ['head -c 1048577 /dev/zero > "$1"', 2, 'at most 1048576 bytes, got 1048577. Your text was not stored.'],
      [': > "$1"', 2, 'the text is empty'],
      ['rm "$1"; ln -s /etc/passwd "$1"', 2, 'cannot read the edited file'],
    ] as const) {
      const { stderr, ...result } = await box.run(['edit', 'k'], { env: await editorOf(box, script) });
      expect({ script, ...result }).toMatchObject({ script, exitCode, stdout: '' });
      expect(stderr).toContain(says);
      await expectNoTrace(box);
    }
    expect(await versions(box, 'k')).toBe(1);
    const empty = await box.run(['edit', 'k', '--yes'], { env: await editorOf(box, ': > "$1"') });
    expect(empty.stdout).toMatch(/^stored k, 0 bytes/);
  });

  it('refuses what it cannot edit before the editor starts', async () => {
    const box = await sandbox();
    await box.seed({ binary: Uint8Array.of(0xff, 0), large: 'x'.repeat(1024 * 1024 + 1) });
    const env = await editorOf(box, 'true');
    const says = async (args: readonly string[], more = env): Promise<readonly [number | null, string]> => {
      const { exitCode, stderr } = await box.run(args, { env: more });
      return [exitCode, stderr];
    };
    expect(await says(['edit', 'binary'])).toEqual([2, expect.stringContaining('only UTF-8 text can be edited')]);
    expect(await says(['edit', 'large'])).toEqual([2, expect.stringContaining('at most 1048576 bytes, got 1048577')]);
    expect(await says(['edit', 'none'])).toEqual([3, expect.stringContaining('NOT_FOUND')]);
    expect(await says(['edit', 'a//b'])).toEqual([2, expect.stringContaining('empty segment')]);
    expect(existsSync(box.path('folder'))).toBe(false);
    const none = await says(['edit', 'binary'], { EDITOR: ' ' });
    expect(none).toEqual([2, expect.stringContaining('no editor is set: $VISUAL and $EDITOR are empty')]);
    await box.seed({ k: 'x' });
    const missing = await says(['edit', 'k'], { VISUAL: 'no-such-editor', EDITOR: 'true' });
    expect(missing).toEqual([2, expect.stringContaining('cannot start the editor "no-such-editor"')]);
  });

  it('does not overwrite what another writer has stored meanwhile', async () => {
    const box = await sandbox();
    await box.seed({ k: CANARY });
    const env = await editorOf(
      box,
      `touch '${box.path('begun')}'; while [ ! -e '${box.path('go')}' ]; do sleep 0.02; done; echo mine > "$1"`,
    );
    const editing = box.run(['edit', 'k'], { env });
    while (!existsSync(box.path('begun'))) await sleep(20);
    await box.seed({ k: 'theirs' });
    await writeFile(box.path('go'), '');
    const { exitCode, stdout, stderr } = await editing;
    expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: '' });
    expect(stderr).toContain('"k": the object was changed while you edited it. Your text was not stored. [CONFLICT]');
    expect((await box.run(['get', 'k'])).stdout).toBe('theirs');
    await expectNoTrace(box);
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('leaves nothing if %s ends it', async (name) => {
    const box = await sandbox();
    await box.seed({ k: CANARY });
    // Renamed, so that whoever sees the file finds the number in it.
    const note = `echo $$ > '${box.path('note')}'; mv '${box.path('note')}' '${box.path('begun')}'`;
    const env = await editorOf(box, `echo changed >> "$1"; ${note}; exec sleep 30`);
    const child = box.start(['edit', 'k'], { env });
    const ending = finished(child);
    while (!existsSync(box.path('begun'))) await sleep(20);
    child.kill(name);
    const { exitCode, stderr } = await ending;
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/Your text was not stored|Nothing was changed/);
    const editor = Number(await readFile(box.path('begun'), 'utf8'));
    expect(() => process.kill(editor, 0)).toThrow('ESRCH');
    await expectNoTrace(box);
    expect(await versions(box, 'k')).toBe(1);
  });

  it('ends at once at a second signal, and leaves nothing', async () => {
    const box = await sandbox();
    await box.seed({ k: CANARY });
    // It ends when the folder of the test is gone.
    const begun = box.path('begun');
    const env = await editorOf(box, `trap '' TERM; touch '${begun}'; while [ -e '${begun}' ]; do sleep 0.5; done`);
    const child = box.start(['edit', 'k'], { env });
    const ended = new Promise((resolve) => void child.once('exit', (_code, signal) => resolve(signal)));
    while (!existsSync(begun)) await sleep(20);
    // Signals that come before the process has taken the first one are one with it.
    for (let signal: unknown; signal === undefined; signal = await Promise.race([ended, sleep(200)])) {
      child.kill('SIGTERM');
    }
    expect(await ended).toBe('SIGTERM');
    await expectNoTrace(box);
  });
});

async function runElsewhere(
  box: Sandbox,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Result> {
  const all = { ...box.env, ...env, SECURESTORE_URL: `sqlite:${box.path('vault')}` };
  return await runHere([...args, '--no-anchor'], { env: all, platform: 'darwin' });
}

describe('without a file system in memory, edit', () => {
  it('refuses unless it may use a disk, and leaves nothing there either', async () => {
    const box = await sandbox();
    await box.seed({ k: CANARY });
    const env = await editorOf(
      box,
      `ls -l "$1" | cut -c 1-10 > '${box.path('modes')}'; cp "$1" "$1~"; echo new > "$1"`,
    );
    const refused = await runElsewhere(box, ['edit', 'k'], env);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toContain('--allow-disk');
    expect(existsSync(box.path('folder'))).toBe(false);
    expect((await runElsewhere(box, ['edit', 'k', '--allow-disk'], env)).exitCode).toBe(0);
    expect((await readFile(box.path('folder'), 'utf8')).startsWith(box.path('tmp'))).toBe(true);
    expect(await readFile(box.path('modes'), 'utf8')).toBe('-rw-------\n');
    await expectNoTrace(box);
    expect((await box.run(['get', 'k'])).stdout).toBe('new');
  });

  it('takes a folder for one in memory only if it is', async () => {
    const box = await sandbox('none');
    const isTmpfs = inMemory !== undefined && (await stat(box.path())).dev === (await stat(inMemory)).dev;
    const found = await memoryFolder({ env: { XDG_RUNTIME_DIR: box.path() }, platform: 'linux' });
    expect(found === box.path()).toBe(isTmpfs && inMemory === undefined);
    expect(await memoryFolder({ env: {}, platform: 'win32' })).toBe(undefined);
  });
});

/** Another writer stores `theirs` while the person edits for the first time. */
async function contested(box: Sandbox): Promise<Sandbox> {
  const command = COMMAND.map((part) => `'${part}'`).join(' ');
  const store = `--store 'sqlite:${box.path('vault')}' --key-file '${box.path('credentials', 'securestore-key')}'`;
  const script = `printf mine > "$1"
if [ ! -e '${box.path('once')}' ]; then touch '${box.path('once')}'; printf theirs | ${command} put k ${store} --meta by=them; fi`;
  return { ...box, env: { ...box.env, ...(await editorOf(box, script)) } };
}

describe.skipIf(!hasTerminals || inMemory === undefined)(
  `on a terminal${hasTerminals ? NO_MEMORY : ' (skipped: python3 has no pty module here)'}, edit`,
  () => {
    const asked = /\[o\]verwrite the other change, \[e\]dit on, store under another \[k\]ey, or \[d\]iscard/;

    it.each([
      ['o', { k: 'mine' }, 0],
      ['e', { k: 'theirs' }, 130],
      ['d', { k: 'theirs' }, 130],
      ['k', { k: 'theirs', other: 'mine' }, 0],
    ] as const)('asks what becomes of the text at a conflict: %s', async (answer, values, code) => {
      const box = await contested(await sandbox());
      await box.run(['put', 'k', '--meta', 'by=me'], { input: 'first' });
      const dialogue: Exchange[] = [
        ['iscard your text? ', `x\r`],
        ['iscard your text? ', `${answer}\r`],
      ];
      if (answer === 'k') dialogue.push(['Key: ', 'other\r']);
      if (answer === 'e') dialogue.push(['iscard your text? ', 'd\r']);
      const { exitCode, transcript } = await converse(box, ['edit', 'k'], dialogue);
      expect(transcript).toMatch(asked);
      expect(transcript).not.toMatch(/mine|theirs/);
      expect(exitCode).toBe(code);
      for (const [key, value] of Object.entries(values)) expect((await box.run(['get', key])).stdout).toBe(value);
      if (answer === 'o') expect((await box.run(['meta', 'get', 'k'])).stdout).toBe('by  them\n');
      await expectNoTrace(box);
    });
  },
);
