import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import type { IdentityOptions } from '../commands/identity.ts';
import type { ChangeOptions } from '../commands/settings.ts';
import { collect } from '../options/global-options.ts';
import { renamed } from '../options/old-spelling.ts';

function addIdentity(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'identity',
    summary: 'create an identity of your own, show its recipient, or pin the stores that it unlocks',
    notes: `An identity unlocks every store that lets its recipient in; the recipient is not secret. Since an attacker could create such
a store, an identity unlocks only stores that are known: by an invitation or a fingerprint (--invitation-file,
--fingerprint), by a fingerprint that identity pin has added to the identity file, or because it was opened here before.
--trust-first-use trusts the store that is found, this once, and remembers it.`,
    examples: ['securestore ls --invitation-file invitation.txt --identity-file me.identity'],
  };
  addNoun(program, run, noun, (identity) => {
    addVerb<IdentityOptions, [string | undefined]>(identity, run, {
      usage: 'new [file]',
      shownUsage: '[options]',
      summary: 'create an identity, and print its recipient',
      options: [new Option('-o, --output <file>', 'write it to this new file, which only you may read')],
      notes: `Without -o the identity itself is printed, and is stored nowhere else.`,
      examples: ['securestore identity new -o ./me.identity'],
      load: async () => (await import('../commands/identity.ts')).makeIdentity,
    });
    addVerb<object, [string | undefined]>(identity, run, {
      usage: 'show [file]',
      isDefault: true,
      summary: 'show the recipient of an identity, and the stores that are pinned in its file',
      notes: 'The file is the operand, or that of --identity-file.',
      examples: ['securestore identity show ./me.identity'],
      load: async () => (await import('../commands/identity.ts')).showIdentity,
    });
    addVerb<object, [string | undefined]>(identity, run, {
      usage: 'pin [file]',
      summary: 'add the fingerprint of a store to an identity file, so that the identity unlocks that store',
      notes: 'It needs --invitation-file or --fingerprint. The file is the operand, or that of --identity-file.',
      examples: ['securestore identity pin ./me.identity --invitation-file ./invitation.txt'],
      load: async () => (await import('../commands/identity.ts')).pinIdentity,
    });
  });
}

function addSettings(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'settings',
    summary: 'show the settings of the store, or change its categories, history and rotation',
    examples: ['securestore settings show'],
  };
  addNoun(program, run, noun, (settings) => {
    addVerb(settings, run, {
      usage: 'show',
      isDefault: true,
      summary: 'show the settings of the store',
      examples: ['securestore settings show'],
      load: async () => (await import('../commands/settings.ts')).showSettings,
    });
    addVerb<ChangeOptions, []>(settings, run, {
      usage: 'change',
      summary: 'change the categories, the history or the rotation',
      options: [
        ...renamed(
          new Option(
            '--define-category <name=pattern>',
            'add a category, or replace the patterns of one; may be repeated',
          ).argParser(collect),
          '--category <name=pattern>',
        ),
        new Option('--retire-category <name>', 'a category that is to get no more objects; may be repeated').argParser(
          collect,
        ),
        new Option('--history-versions <n>', 'how many older versions of each object to keep'),
        new Option('--history-days <n>', 'how many days to keep older versions'),
        new Option(
          '--rotation-days <n>',
          'the age at which programs that stay open create new encryption keys; 0 for never',
        ),
        new Option('--if-version <version>', 'only if the settings have this version'),
      ],
      notes: `Categories that are not named stay as they are. If a key matches patterns of two categories, the one that settings show
lists first has it; new ones are last. A retired category keeps its encryption keys and members. An object cannot change its
category, since it is encrypted with the keys of its own: such a change is refused. While the keys are checked, which takes
six seconds or more, the store answers nothing else.

The history keeps the versions that either number keeps. To keep the last 3 versions of each object, with the current one:
--history-versions 2 --history-days 0. Nothing is removed before it is a day old.

To share objects that exist, run securestore member add with --prefix and --into, which moves them into a category.

The mode of names and the suite cannot be changed; securestore migrate --reencrypt makes a store with others, and with
other categories for existing objects.`,
      examples: [
        'securestore settings change --history-versions 50 --history-days 90',
        "securestore settings change --define-category 'pii=users/**'",
      ],
      resume: () => [{ text: 'to see whether it was done', on: ['settings', 'show'] }],
      load: async () => (await import('../commands/settings.ts')).changeSettings,
    });
  });
}

/** Adds the verbs about the settings of a store and about identities. */
export function addSettingsVerbs(program: Command, run: Run): void {
  program.commandsGroup('Encryption keys:');
  for (const add of [addSettings, addIdentity]) add(program, run);
}
