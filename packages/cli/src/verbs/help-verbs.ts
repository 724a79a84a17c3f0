import { type Command, CommanderError } from 'commander';
import { actionHints, wrongAction } from '../errors/refuse.ts';
import { addVerb, type Run } from '../call/call.ts';
import type { Shell } from '../help/completion.ts';
import { describeCommand, describeProgram } from '../help/describe.ts';
import { addGlobalOptions } from '../options/global-options.ts';
import { TOPICS, type Topic, topicHelp } from '../help/help-text.ts';
import { widthOf } from '../terminal/terminal-text.ts';
import { setNotes } from '../options/verb-notes.ts';

/** Those of the completion, which is not loaded to show help: one too few or too many does not compile. */
const SHELLS: Readonly<Record<Shell, true>> = { bash: true, zsh: true, fish: true };

const isTopic = (name: string): name is Topic => TOPICS.some((topic) => topic === name);

/** Adds `help`, which unlike commander's own tells a command that there is from one that there isn't. */
function addHelp(program: Command, run: Run): void {
  const help = program
    .command('help [topic] [action]')
    .summary('print the help of a command, or about commands, options, environment or exit-codes')
    .description('print the help of a command');
  setNotes(help, {
    notes: 'With --json, all of it is printed as data: every command, action, option, exit code and example.',
    examples: ['securestore help put', 'securestore help --json'],
  });
  addGlobalOptions(help);
  help.action(async (name: string | undefined, action: string | undefined) => {
    const topic = name !== undefined && isTopic(name) ? name : undefined;
    const command = name === undefined || topic !== undefined ? program : find(program, name);
    const meant = action === undefined ? command : find(command, action, run);
    if (run.out.json) {
      return await run.out.result(meant === program ? describeProgram(program) : describeCommand(meant), () => []);
    }
    if (topic === undefined) return meant.help();
    await run.out.result({}, () => topicHelp(topic, program, widthOf(run.cli.stdout)));
  });
}

/**
 * The subcommand with a name.
 *
 * @param run takes the hint about a noun's actions, if the name is none of them
 * @throws `CommanderError` if there is no such subcommand
 */
function find(within: Command, name: string, run?: Run): Command {
  const found = within.commands.find((one) => one.name() === name || one.aliases().includes(name));
  if (found !== undefined) return found;
  const actions = within.commands.map((one) => one.name());
  if (run === undefined || actions.length === 0) return within.error(`unknown command '${name}'`);
  [run.usage] = actionHints(within.name(), actions, name);
  throw new CommanderError(2, 'commander.unknownCommand', wrongAction(within.name(), actions));
}

/** Adds `completion`, which prints the program by which a shell completes this command line. */
function addCompletion(program: Command, run: Run): void {
  addVerb<object, [Shell]>(program, run, {
    usage: 'completion <shell>',
    summary: 'print the completion for bash, zsh or fish',
    choices: Object.keys(SHELLS),
    notes: 'To load it in zsh: source <(securestore completion zsh). In fish: securestore completion fish | source.',
    examples: ['eval "$(securestore completion bash)"', 'securestore completion fish > ./securestore.fish'],
    load: async () => {
      const { completionFor } = await import('../help/completion.ts');
      return async ({ out }, shell) => {
        const script = completionFor(shell, describeProgram(program));
        await out.result({ script }, () => script.trimEnd());
      };
    },
  });
}

function addManual(program: Command, run: Run): void {
  addVerb(program, run, {
    usage: 'man',
    summary: 'print the manual page, in roff',
    examples: ['securestore man | man -l -'],
    load: async () => {
      const { manualPage } = await import('../help/man.ts');
      return async ({ out }) => {
        const page = manualPage(describeProgram(program));
        await out.result({ page }, () => page.trimEnd());
      };
    },
  });
}

function addVersion(program: Command, run: Run): void {
  addVerb(program, run, {
    usage: 'version',
    summary: 'print the versions of this program and of Node',
    examples: ['securestore version'],
    load:
      async () =>
      async ({ out }) => {
        const versions = { securestore: program.version() ?? '', node: process.versions.node };
        await out.result(versions, () => `securestore ${versions.securestore}, Node ${versions.node}`);
      },
  });
}

/** Adds the verbs that tell how the command line is used. */
export function addHelpVerbs(program: Command, run: Run): void {
  program.commandsGroup('Help:');
  for (const add of [addHelp, addCompletion, addManual, addVersion]) add(program, run);
}
