import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Run } from './call.ts';
import { addGlobalOptions } from './global-options.ts';
import { addAccessVerbs } from './verbs/access-verbs.ts';
import { addAuditVerbs } from './verbs/audit-verbs.ts';
import { addBackupVerbs } from './verbs/backup-verbs.ts';
import { addCheckVerbs } from './verbs/check-verbs.ts';
import { addFolderVerbs } from './verbs/folder-verbs.ts';
import { addMigrateVerb } from './verbs/migrate-verb.ts';
import { addKeyVerbs } from './verbs/key-verbs.ts';
import { addObjectVerbs } from './verbs/object-verbs.ts';
import { addPointVerbs } from './verbs/point-verbs.ts';
import { addServeVerb } from './verbs/serve-verb.ts';
import { addTrustVerb } from './verbs/trust-verb.ts';

const NOTES = `
The secret that unlocks the store comes from --key-file, --passphrase-file, --identity-file, --recovery-code-file,
--share-file, $SECURESTORE_KEY_FILE, $SECURESTORE_PASSPHRASE, $SECURESTORE_PASSPHRASE_FILE, the files securestore-key or
securestore-passphrase in $CREDENTIALS_DIRECTORY, or a prompt on a terminal; never from an argument, which other users of the machine could read.

Exit codes: 0 done · 1 defect · 2 wrong usage · 3 not found · 4 not allowed · 5 not what was stored · 6 in the way ·
7 unavailable · 8 some items failed · 9 wrong secret · 130 interrupted

Start with:  securestore init sqlite:./vault.db`;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

/** A verb with its operands; that each takes options goes without saying. */
function termOf(verb: Command): string {
  const operands = verb.registeredArguments.map((operand) => {
    const name = `${operand.name()}${operand.variadic ? '...' : ''}`;
    return operand.required ? `<${name}>` : `[${name}]`;
  });
  return [verb.name(), ...operands].join(' ');
}

/** Adds `help`, which unlike commander's own tells a command that there is from one that there isn't. */
function addHelp(program: Command): void {
  program.commandsGroup('Help:');
  const help = program
    .command('help [command]')
    .summary('print the help of a command')
    .description('print the help of a command');
  addGlobalOptions(help);
  help.action((name: string | undefined) => {
    const command = name === undefined ? program : program.commands.find((verb) => verb.name() === name);
    if (command === undefined) program.error(`unknown command '${name}'`);
    command.help();
  });
}

/** The command line with all its verbs. Errors, help and version are thrown as `CommanderError`. */
export function createProgram(run: Run): Command {
  const { stdout, stderr } = run.cli;
  const print = (text: string): void => {
    run.printed += text;
  };
  const program = new Command('securestore')
    .description('Encrypted storage for secrets, configuration and files, on any backend.')
    .usage('<command> [options]')
    .exitOverride()
    .configureOutput({
      // Said by `run` as well, which knows whether as JSON.
      writeOut: print,
      writeErr: print,
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
      // Errors are said once, by `run`.
      outputError: () => {},
    })
    .enablePositionalOptions()
    .version(version(), '-V, --version', 'print the version of securestore')
    .helpOption('-h, --help', 'print this help; securestore help COMMAND prints that of a command')
    .configureHelp({ subcommandTerm: termOf })
    .helpCommand(false);
  addGlobalOptions(program);
  addObjectVerbs(program, run);
  addFolderVerbs(program, run);
  addKeyVerbs(program, run);
  addAccessVerbs(program, run);
  addAuditVerbs(program, run);
  addBackupVerbs(program, run);
  addPointVerbs(program, run);
  addMigrateVerb(program, run);
  addCheckVerbs(program, run);
  addServeVerb(program, run);
  addTrustVerb(program, run);
  addHelp(program);
  return program.addHelpText('after', NOTES);
}
