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

/** A passphrase that was typed; a weak one only if the person confirms it. */
async function chosen(cli: Cli, terminal: Terminal, url: string, typed?: string): Promise<string> {
  for (let next = typed; ; next = undefined) {
    const passphrase = next ?? (await askHidden(cli, terminal, 'New passphrase'));
    const weakness = weaknessOf(Buffer.from(passphrase), url);
    if (weakness === undefined) return passphrase;
    if (await askYes(cli, terminal, `This passphrase is weak: ${weakness}. Use it all the same?`)) return passphrase;
  }
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
 * Asks for a new passphrase: for one that is typed twice, unless the generated one is taken.
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
  const passphrase = await chosen(cli, terminal, url, typed);
  if ((await askHidden(cli, terminal, 'The same again')) === passphrase) return Buffer.from(passphrase);
  throw new SecureStoreError('INVALID_ARGUMENT', 'the two passphrases differ. Nothing was changed.');
}
