import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { CommandHelp, OptionHelp, ProgramHelp } from '../src/help/describe.ts';
import { runHere } from './support/in-process.ts';

const page = await readFile(new URL('../../../docs/reference/command-line-trust.md', import.meta.url), 'utf8');

/** What the page has between backticks. */
const spans: readonly string[] = [...page.matchAll(/`([^`]+)`/g)].map(([, span]) => span ?? '');

/** Whether the page names a variable, by itself, in a path, or by a beginning such as `$SECURESTORE_RUN_…`. */
function isListed(name: string): boolean {
  const beginning = /^SECURESTORE_(?:RUN|ALERT)_/.exec(name)?.[0];
  return spans.some((span) => span === `$${name}` || span.startsWith(`$${name}/`) || span === `$${beginning}…`);
}

/** The sources of all packages but those for tests. */
async function sources(): Promise<string> {
  const packages = new URL('../../', import.meta.url);
  const names = (await readdir(packages)).filter((name) => !name.endsWith('testkit') && name !== 'console');
  const texts = names.map(async (name) => {
    const folder = new URL(`${name}/src/`, packages);
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'));
    return await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')));
  });
  return (await Promise.all(texts)).flat(2).join('\n');
}

const code = await sources();

function inCode(pattern: RegExp): string[] {
  return [...new Set([...code.matchAll(pattern)].map(([, name]) => name ?? ''))].toSorted();
}

describe('the list of what the command line trusts', () => {
  // T-CLI-06
  it('has every variable that the sources name or read, and no other of ours', () => {
    const own = inCode(/\b(SECURESTORE_[A-Z_]*[A-Z])\b/g);
    const read = inCode(/\benv\['(\w+)'\]/g);
    expect(own).toEqual(expect.arrayContaining(['SECURESTORE_RUN_PHASE', 'SECURESTORE_TLS_KEY', 'SECURESTORE_TOKEN']));
    expect(read).toEqual(expect.arrayContaining(['CREDENTIALS_DIRECTORY', 'PGPASSWORD', 'XDG_STATE_HOME']));
    expect([...own, ...read].filter((name) => !isListed(name))).toEqual([]);
    const listed = spans
      .map((span) => /^\$(SECURESTORE_\w*[A-Z])$/.exec(span)?.[1])
      .filter((name) => name !== undefined);
    expect(listed.filter((name) => !own.includes(name))).toEqual([]);
  });

  it('has every file that is looked for by its name', () => {
    const names = inCode(/(?:credentialFile\([^,)]+, |join\(directory, )['`]([^'`]+)['`]/g);
    const configs = inCode(/'(securestore\.config\.\w+)'/g);
    expect(names).toEqual(['oidc-${name}', 'securestore-key', 'securestore-passphrase', 'securestore-token']);
    expect(configs).toHaveLength(3);
    const wanted = [...names, ...configs].map((name) => name.replace('${name}', 'NAME'));
    expect(wanted.filter((name) => !spans.includes(name))).toEqual([]);
  });

  it('has every option that takes a file, a folder, a program or a store URL', async () => {
    const { commands, options: common } = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;
    const taking = new Set(['command', 'file', 'dir', 'program', 'url', 'backup']);
    const optionsOf = (command: CommandHelp): readonly OptionHelp[] => [
      ...command.options,
      ...command.commands.flatMap(optionsOf),
    ];
    const options = new Set(
      [...common, ...commands.flatMap(optionsOf)].filter(({ value = '' }) => taking.has(value)).map(({ long }) => long),
    );
    expect(options.size).toBeGreaterThan(25);
    expect([...options].filter((option) => !spans.includes(option))).toEqual([]);
  });
});
