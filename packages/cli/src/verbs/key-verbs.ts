import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import type { DestroyKeysOptions, ListKeysOptions } from '../commands/keys.ts';
import type { RotateOptions } from '../commands/rotate.ts';
import type { SlotsOptions } from '../commands/slots-add.ts';
import type { OwnHint } from '../errors/hints.ts';

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
    new Option('--new-key-file <file>', 'the new key file, which is created if it is missing'),
  ];
}

function addRotate(program: Command, run: Run): void {
  addVerb<RotateOptions, []>(program, run, {
    usage: 'rotate',
    summary: 'replace the unlock secret, and rotate the encryption keys under it',
    options: [
      new Option('--depth <depth>', 'how far the rotation goes (default: keys)').choices(['unlock', 'keys', 'data']),
      ...newSecret(),
      new Option('--same-secret', 'keep the unlock secret, and rotate only the encryption keys').conflicts(NEW_SECRETS),
      new Option('--resume', 'resume an interrupted rotation').conflicts(['depth', ...NEW_SECRETS, 'sameSecret']),
    ],
    notes: `Give the current unlock secret as for every command, and the new one by an option; without an option you are asked for it.

  unlock  replaces the unlock secret and the root key
  keys    also creates new encryption keys and rewraps the key of every object; no payload is written
  data    also re-encrypts every object and payload

The depth keys waits about six seconds for other processes, however small the store is, and data waits twice as long.
Reading and writing continue meanwhile.

Afterwards the old secret opens the store no more, if there is a new one. Old encryption keys open no object of the store
after keys and data; after keys, an old record still opens its payload. They always show the keys of objects.
Copies of the store from before, also those of its backend, stay open to the old secret and keys. An attacker who has old
keys and can write to the backend can take the store over.`,
    examples: ['securestore rotate --new-passphrase-file ./new-passphrase', 'securestore rotate --resume'],
    resume: () => [
      { text: 'to resume it, with the secret that unlocks the store now', on: ['rotate'], options: { resume: true } },
    ],
    load: async () => (await import('../commands/rotate.ts')).rotate,
  });
}

const LIST_KEYS = { text: 'to list the encryption keys', on: ['key', 'list'] };

function addKey(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'key',
    aliases: ['keys'],
    summary: 'list the encryption keys, destroy some, or undo that in time',
    notes: `Each category has encryption keys of its own, and each rotation adds a version of them. Every action also finishes a
destruction whose waiting period has passed.`,
    examples: ['securestore key list --usage'],
  };
  addNoun(program, run, noun, (key) => {
    addVerb<ListKeysOptions, []>(key, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the versions of the encryption keys',
      options: [
        new Option('--usage', 'count the versions of objects that each key encrypts'),
        new Option('--census').hideHelp(),
      ],
      notes: `CREATED is when a rotation, or the creation of the store, made the key version. A migration that does not re-encrypt adds
versions that keep the time of those they follow, so that it puts off no rotation by age.`,
      examples: ['securestore key list', 'securestore key list --usage'],
      load: async () => (await import('../commands/keys.ts')).listKeys,
    });
    addVerb<DestroyKeysOptions, [string]>(key, run, {
      usage: 'destroy <id|category>',
      summary: 'destroy the encryption keys of a category, or a key version that a rotation has disabled',
      options: [new Option('--wait <time>', 'how long it can be undone (default: 30d)')],
      notes: `Everything that a category holds becomes unreadable at once. The command asks you to type the ID or category, or needs
--yes. Until the waiting period has passed, key undo makes everything readable again. After that, the next key command
destroys the keys. Then every copy that holds no old keyring is unreadable too.`,
      examples: ['securestore key destroy pii --wait 7d'],
      whenMissing: LIST_KEYS,
      load: async () => (await import('../commands/keys.ts')).destroyKeys,
    });
    addVerb<object, [string]>(key, run, {
      usage: 'undo <id|category>',
      summary: 'undo a destruction whose waiting period has not passed',
      examples: ['securestore key undo pii'],
      whenMissing: LIST_KEYS,
      load: async () => (await import('../commands/keys.ts')).undoDestruction,
    });
  });
}

const resumeSlot = (): OwnHint[] => [{ text: 'to see whether it was done', on: ['slot', 'list'] }];

function addSlot(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'slot',
    aliases: ['slots'],
    summary: 'list the slots that unlock the store, add one, or remove one',
    notes: `Any of the slots unlocks the store, as in LUKS. Each has an unlock secret of its own, or is for the identity of a person.`,
    examples: ['securestore slot list', 'securestore slot add --new-key-file ./second.key'],
  };
  addNoun(program, run, noun, (slot) => {
    addVerb(slot, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the slots, and the fingerprint of the store',
      examples: ['securestore slot list'],
      load: async () => (await import('../commands/slots.ts')).listSlots,
    });
    addVerb<SlotsOptions, []>(slot, run, {
      usage: 'add',
      summary: 'add an unlock secret, or an identity that unlocks the store',
      options: [
        ...newSecret(),
        new Option('--new-recovery-code', 'create a code to write down, and print it').conflicts(NEW_SECRETS),
        new Option('--new-shares <k/n>', 'create n shares, any k of which unlock the store, and print them').conflicts([
          ...NEW_SECRETS,
          'newRecoveryCode',
        ]),
        new Option(
          '--kit <file>',
          'write the code, or each share, into a new file to be printed, and do not show it; kit.txt becomes kit-1.txt and so on',
        ),
        new Option(
          '--recipient <recipient>',
          'let in the identity of a recipient, SSRP1-..., and print an invitation',
        ).conflicts([...NEW_SECRETS, 'newRecoveryCode', 'newShares', 'kit']),
      ],
      notes: `A recovery code and shares are shown once, or written into kits. To unlock the store by them, give --recovery-code-file,
or --share-file for each share. Without an option you are asked for a passphrase.`,
      examples: [
        'securestore slot add --new-recovery-code --kit ./recovery-kit.txt',
        'securestore slot add --new-shares 2/3 --kit ./kit.txt',
      ],
      resume: resumeSlot,
      load: async () => (await import('../commands/slots.ts')).addSlot,
    });
    addVerb<object, [string]>(slot, run, {
      usage: 'remove <id>',
      summary: 'remove a slot; asks about the one in use, or needs --yes',
      notes: `The last slot cannot be removed. The encryption keys stay the same: to rotate them, run securestore rotate --same-secret.`,
      examples: ['securestore slot remove ID'],
      whenMissing: { text: 'to list the slots', on: ['slot', 'list'] },
      resume: resumeSlot,
      load: async () => (await import('../commands/slots.ts')).removeSlot,
    });
  });
}

/** Adds the verbs that work on the encryption keys of a store. */
export function addKeyVerbs(program: Command, run: Run): void {
  program.commandsGroup('Encryption keys:');
  for (const add of [addRotate, addKey, addSlot]) add(program, run);
}
