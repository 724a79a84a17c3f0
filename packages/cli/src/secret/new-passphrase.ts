import { randomInt } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Cli } from '../terminal/cli-context.ts';
import { askHidden, askOptional, askYes, type Terminal } from './prompt.ts';
import { weaknessOf } from './weak-passphrase.ts';

/** Characters that are not mistaken for each other: no i, l, o, 0 or 1. */
const CHARACTERS = Buffer.from('23456789abcdefghjkmnpqrstuvwxyz', 'latin1');
/** 28 characters of 31: 138 bits. */
const GROUPS = 7;
const GROUP_LENGTH = 4;
const HYPHEN = 0x2d;

/** A passphrase of {@link GROUPS} groups, with hyphens between them, which belong to it. To be wiped. */
export function generatePassphrase(): Uint8Array {
  return Buffer.alloc(GROUPS * (GROUP_LENGTH + 1) - 1).map((_, at) =>
    at % (GROUP_LENGTH + 1) === GROUP_LENGTH ? HYPHEN : (CHARACTERS[randomInt(CHARACTERS.length)] ?? 0),
  );
}

/** The use of a new passphrase. */
export interface NewPassphrase {
  /** The URL of the store, whose name is a weak passphrase. */
  readonly url: string;
  /** Whether to offer a generated one. */
  readonly offer?: boolean;
}

/** Shows a generated passphrase once, on the terminal alone. @returns `undefined` if the person types their own */
async function offered(
  cli: Cli,
  terminal: Terminal,
): Promise<{ readonly taken?: Uint8Array; readonly typed?: string }> {
  const generated = generatePassphrase();
  terminal.output.write('A passphrase for the store, which is not shown again. Write it down:\n\n    ');
  // A copy: what is written may wait in the stream until this one is wiped.
  terminal.output.write(Buffer.from(generated));
  terminal.output.write('\n\n');
  const typed = await askOptional(cli, terminal, 'Press Enter to take it, or type your own');
  if (typed === '') return { taken: generated };
  generated.fill(0);
  return { typed };
}

/**
 * A passphrase that was typed twice. The two typings follow each other without a question: what a person types at a question is shown, and would be
 * the passphrase if they do not look up.
 *
 * @throws SecureStoreError `ABORTED` if the person cancels; `INVALID_ARGUMENT` if the two differ
 */
async function typedTwice(cli: Cli, terminal: Terminal, typed?: string): Promise<Uint8Array> {
  const passphrase = typed ?? (await askHidden(cli, terminal, 'New passphrase'));
  if ((await askHidden(cli, terminal, 'The same again')) === passphrase) return Buffer.from(passphrase);
  throw new SecureStoreError('INVALID_ARGUMENT', 'the two passphrases differ. Nothing was changed.');
}

/**
 * Asks for a new passphrase: for one that is typed twice, unless the generated one is taken. A weak one is used only if the person confirms it.
 *
 * @throws SecureStoreError `ABORTED` if the person cancels; `INVALID_ARGUMENT` if the two differ
 */
export async function askNewPassphrase(
  cli: Cli,
  terminal: Terminal,
  { url, offer = false }: NewPassphrase,
): Promise<Uint8Array> {
  const { taken, typed } = offer ? await offered(cli, terminal) : {};
  if (taken !== undefined) return taken;
  for (let first = typed; ; first = undefined) {
    const passphrase = await typedTwice(cli, terminal, first);
    const weakness = weaknessOf(passphrase, url);
    if (weakness === undefined) return passphrase;
    if (await askYes(cli, terminal, `This passphrase is weak: ${weakness}. Use it all the same?`)) return passphrase;
    passphrase.fill(0);
  }
}
