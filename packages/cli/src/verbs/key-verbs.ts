import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { IdentityOptions } from '../commands/identity.ts';
import type { KeysOptions } from '../commands/keys.ts';
import type { RotateOptions } from '../commands/rotate.ts';
import type { SettingsOptions } from '../commands/settings.ts';
import type { SlotsOptions } from '../commands/slots-add.ts';

const NEW_SECRETS: string[] = ['newPassphraseFile', 'newPassphraseCommand', 'newKeyFile'];

function newSecret(): Option[] {
  return [
    new Option('--new-passphrase-file <file>', 'a file that holds the new passphrase').conflicts([
      'newPassphraseCommand',
      'newKeyFile',
    ]),
    new Option(
      '--new-passphrase-command <command>',
      'a command that writes the new passphrase to stdout, run by the shell',
    ).conflicts('newKeyFile'),
    new Option('--new-key-file <file>', 'the new key file, which is made if it is missing'),
  ];
}

function addRotate(program: Command, run: Run): void {
  addVerb<RotateOptions, []>(program, run, {
    usage: 'rotate',
    summary: 'replace the secret and renew the keys under it',
    options: [
      new Option('--depth <depth>', 'how far it goes (otherwise keys)').choices(['unlock', 'keys', 'data']),
      ...newSecret(),
      new Option('--same-secret', 'keep the secret, and renew what is under it').conflicts(NEW_SECRETS),
      new Option('--resume', 'go on with a rotation that was stopped').conflicts([
        'depth',
        ...NEW_SECRETS,
        'sameSecret',
      ]),
    ],
    notes: `The secret that opens the store now is given as for every command; the new one by an option, or you are asked.
  unlock  replaces the secret and renews the root key
  keys    also makes new keys and brings every object under them; no payload is written
  data    also seals every object and payload anew
keys waits about six seconds for other processes to follow, however small the store is, and data twice as long.
Reading and writing go on meanwhile. Old copies of the store still open with the old secret.

Examples:
  securestore rotate
  securestore rotate --depth unlock --new-key-file ./new.key
  securestore rotate --resume`,
    resume: () => [
      { text: 'to go on, with the secret that opens the store now', on: ['rotate'], options: { resume: true } },
    ],
    load: async () => (await import('../commands/rotate.ts')).rotate,
  });
}

function addKeys(program: Command, run: Run): void {
  addVerb<KeysOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'keys [action] [target]',
    shownUsage: '[options] | keys destroy <id|category> | keys undo <id|category>',
    summary: 'list the key versions, destroy some, or undo that in time',
    options: [
      new Option('--census', 'count the objects under each key version'),
      new Option('--wait <time>', 'with destroy: how long it can be undone (otherwise 30d)'),
    ],
    notes: `destroy makes all that a category holds unreadable, in every copy, or takes away a key version that a rotation has
retired. It asks you to type the id or category, or needs --yes. Until the waiting period has passed, undo brings everything back; then the keys are
destroyed by the next keys command.

Examples:
  securestore keys --census
  securestore keys destroy pii --wait 7d
  securestore keys undo pii`,
    load: async () => (await import('../commands/keys.ts')).keys,
  });
}

function addSlots(program: Command, run: Run): void {
  addVerb<SlotsOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'slots [action] [id]',
    shownUsage: '[options] | slots add | slots remove <id>',
    summary: 'list the secrets that unlock the store, add or remove one',
    options: [
      ...newSecret(),
      new Option('--new-recovery-code', 'make a code to write down, and print it').conflicts(NEW_SECRETS),
      new Option('--new-shares <k/n>', 'make n shares, any k of which open the store, and print them').conflicts([
        ...NEW_SECRETS,
        'newRecoveryCode',
      ]),
      new Option('--kit <file>', 'write the code, or each share, into a new file to be printed, and do not show it'),
      new Option(
        '--recipient <recipient>',
        'let in the identity of a recipient, SSRP1-..., and print an invitation',
      ).conflicts([...NEW_SECRETS, 'newRecoveryCode', 'newShares', 'kit']),
    ],
    notes: `Any of the slots opens the store: each has a secret of its own, or is for somebody's identity. The last one
can't be removed, and remove asks about the one in use, or needs --yes. A recovery code and shares are shown once, or
written into kits; they open the store by --recovery-code-file, and --share-file for each.

Examples:
  securestore slots add --new-key-file ./second.key
  securestore slots add --new-recovery-code
  securestore slots add --new-recovery-code --kit ./recovery-kit.txt
  securestore slots add --new-shares 2/3 --kit ./kit.txt      (kit-1.txt, kit-2.txt, kit-3.txt)
  securestore slots add --recipient SSRP1-... > invitation.txt
  securestore slots remove ID`,
    resume: () => [{ text: 'to see whether it was done', on: ['slots'] }],
    load: async () => (await import('../commands/slots.ts')).slots,
  });
}

function addIdentity(program: Command, run: Run): void {
  addVerb<IdentityOptions, [string | undefined, string | undefined]>(program, run, {
    usage: 'identity [action] [file]',
    shownUsage: '[options] | identity new [-o file] | identity show <file> | identity pin <file>',
    summary: 'make an identity of your own, show its recipient, or tell it which stores it opens',
    options: [new Option('-o, --output <file>', 'with new: write it to this new file, which only you may read')],
    notes: `An identity opens every store that lets its recipient in; the recipient is no secret. Since anybody could make such
a store, an identity opens only those that are known: by an invitation or a fingerprint (--invitation-file,
--fingerprint), by one that pin has put into the identity file, or since it was opened here before. --trust-first-use
takes the store that is there for the right one, this once, and remembers it.

Examples:
  securestore identity new -o ./me.identity
  securestore identity pin ./me.identity --invitation-file ./invitation.txt
  securestore ls --invitation-file ./invitation.txt --identity-file ./me.identity`,
    load: async () => (await import('../commands/identity.ts')).identity,
  });
}

function addSettings(program: Command, run: Run): void {
  addVerb<SettingsOptions, [string | undefined]>(program, run, {
    usage: 'settings [action]',
    shownUsage: '[options] | settings change',
    summary: 'show how the store was made, or change its categories and its history',
    options: [
      new Option('--category <name=pattern>', 'with change: all categories from now on; may be repeated').argParser(
        collect,
      ),
      new Option('--history-versions <n>', 'with change: how many older versions to keep of each object'),
      new Option('--history-days <n>', 'with change: how many days to keep older versions'),
      new Option('--rotation-days <n>', 'with change: the age at which open programs make new keys; 0 for never'),
      new Option('--if-version <version>', 'with change: only if the settings have this version'),
    ],
    notes: `Give all categories that there are to be: one that is left out gets no more objects, and keeps its keys. No object comes
into another category, since it is sealed with the keys of its own: a change that would do that is refused. While the
names are looked through, six seconds or more, the store answers nothing else.
Names and suite stay as they are; securestore migrate --reseal makes a store with others, and with other categories of
what there is.

Examples:
  securestore settings
  securestore settings change --history-versions 50 --history-days 90
  securestore settings change --category 'pii=users/**' --category 'prod=prod/**'`,
    resume: () => [{ text: 'to see whether it was done', on: ['settings'] }],
    load: async () => (await import('../commands/settings.ts')).settings,
  });
}

/** Adds the verbs that work on the keys of a store. */
export function addKeyVerbs(program: Command, run: Run): void {
  program.commandsGroup('Keys:');
  for (const add of [addRotate, addKeys, addSlots, addSettings, addIdentity]) add(program, run);
}
