import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Run } from './call/call.ts';
import { addGlobalOptions } from './options/global-options.ts';
import { commandHelp, firstHelp } from './help/help-text.ts';
import { widthOf } from './terminal/terminal-text.ts';
import { addAccessVerbs } from './verbs/access-verbs.ts';
import { addAuditVerbs } from './verbs/audit-verbs.ts';
import { addBackupVerbs } from './verbs/backup-verbs.ts';
import { addDestinationVerbs } from './verbs/destination-verbs.ts';
import { addChangeVerbs } from './verbs/change-verbs.ts';
import { addCheckVerbs } from './verbs/check-verbs.ts';
import { addFolderVerbs } from './verbs/folder-verbs.ts';
import { addHelpVerbs } from './verbs/help-verbs.ts';
import { addMigrateVerb } from './verbs/migrate-verb.ts';
import { addKeyVerbs } from './verbs/key-verbs.ts';
import { addObjectVerbs } from './verbs/object-verbs.ts';
import { addPointVerbs } from './verbs/point-verbs.ts';
import { addSettingsVerbs } from './verbs/settings-verbs.ts';
import { addServeVerb } from './verbs/serve-verb.ts';
import { addTrustVerb } from './verbs/trust-verb.ts';

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

const VERSION: string = readVersion();

/** The command line with all its verbs. Errors, help and version are thrown as `CommanderError`. */
export function createProgram(run: Run): Command {
  const { stdout, stderr } = run.cli;
  const print = (text: string): void => {
    run.printed += text;
  };
  const program: Command = new Command('securestore')
    .description('Encrypted storage for secrets, configuration and files, on any backend.')
    .usage('<command> [options]')
    .exitOverride()
    .configureOutput({
      // Said by `run` as well, which knows whether as JSON.
      writeOut: print,
      writeErr: print,
      getOutHelpWidth: () => widthOf(stdout),
      getErrHelpWidth: () => widthOf(stderr),
      // Errors are said once, by `run`.
      outputError: () => {},
    })
    .enablePositionalOptions()
    .version(VERSION, '-V, --version', 'print the version of securestore')
    .helpOption('-h, --help', 'print this help; securestore help COMMAND prints that of a command')
    .configureHelp({
      formatHelp: (command, { helpWidth }) =>
        `${command === program ? firstHelp(command, helpWidth) : commandHelp(command, helpWidth)}\n`,
    })
    .helpCommand(false);
  addGlobalOptions(program);
  addObjectVerbs(program, run);
  addChangeVerbs(program, run);
  addFolderVerbs(program, run);
  addKeyVerbs(program, run);
  addSettingsVerbs(program, run);
  addAccessVerbs(program, run);
  addAuditVerbs(program, run);
  addBackupVerbs(program, run);
  addDestinationVerbs(program, run);
  addPointVerbs(program, run);
  addMigrateVerb(program, run);
  addCheckVerbs(program, run);
  addServeVerb(program, run);
  addTrustVerb(program, run);
  addHelpVerbs(program, run);
  return program;
}
