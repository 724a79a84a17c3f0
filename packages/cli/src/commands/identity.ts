import { realpath } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { writeFileAtomically } from '@securestore/migrate/lazy';
import { shellCommand } from '@securestore/protocol';
import type { Call } from '../call/call.ts';
import { invitationOf } from '../store/open.ts';
import { refuse } from '../errors/refuse.ts';
import { readSecretFile } from '../secret/secret.ts';
import { printable } from '../terminal/terminal-text.ts';
import { oneFingerprint } from '../secret/unlocking.ts';

/** 256 bits in base32hex. */
const FINGERPRINT = /^[0-9a-v]{52}$/;

export interface IdentityOptions {
  readonly output?: string;
}

function fileOf({ options }: Call, operand: string | undefined): string {
  return (
    operand ??
    options.identityFile ??
    refuse('no identity is given', { text: 'name its file, or give --identity-file FILE' })
  );
}

/** `securestore identity new`. */
export async function makeIdentity(call: Call<IdentityOptions>, file: string | undefined): Promise<void> {
  const { out, options } = call;
  if (file !== undefined) {
    refuse('identity new takes its file by -o', {
      text: 'to write the identity to it',
      command: shellCommand({ operands: ['identity', 'new'], options: { output: file } }),
    });
  }
  const { generateIdentity, generateIdentityFile, recipientOf } = await import('securestore');
  const { output } = options;
  const advice = 'Give the recipient to the owner of the store; keep the identity secret, and keep a copy of it';
  if (output !== undefined) {
    const recipient = await generateIdentityFile(output);
    await out.result({ identityFile: output, recipient }, () => [
      `created the identity file ${printable(output)}`,
      `recipient: ${recipient}`,
    ]);
    return out.note(advice);
  }
  const made = generateIdentity();
  try {
    const recipient = await recipientOf(made);
    const shown = made.toString('latin1');
    await out.result({ identity: shown, recipient }, () => [`# recipient: ${recipient}`, shown]);
    return out.note(`${advice}. It is not kept anywhere else`);
  } finally {
    made.fill(0);
  }
}

/** What `use` makes of the text of an identity file, which only its owner may read, and which is wiped. */
async function withIdentity<T>(
  file: string,
  use: (text: Uint8Array, recipient: string, pins: readonly string[]) => Promise<T>,
): Promise<T> {
  const { identityFile, recipientOf } = await import('securestore');
  const pins = (await identityFile(file).pins?.()) ?? [];
  const text = await readSecretFile(file, 'identity');
  try {
    return await use(text, await recipientOf(text), pins);
  } finally {
    text.fill(0);
  }
}

/** `securestore identity show`. */
export async function showIdentity(call: Call, file: string | undefined): Promise<void> {
  const { out } = call;
  await withIdentity(fileOf(call, file), async (_, recipient, fingerprints) => {
    // Alone on stdout, as `member add` and `audit on` take it.
    await out.result({ recipient, fingerprints }, () => recipient);
    for (const fingerprint of fingerprints) out.note(`unlocks the store with the fingerprint ${fingerprint}`);
  });
}

/** The fingerprint of the store that is to be pinned for a recipient. */
async function fingerprintOf(call: Call, recipient: string): Promise<string> {
  const { options } = call;
  const invitation = await invitationOf(call);
  if (invitation?.recipient !== undefined && invitation.recipient !== recipient) {
    refuse(`the invitation is for ${printable(invitation.recipient)}, and this identity is ${recipient}`);
  }
  const fingerprint = oneFingerprint([options.fingerprint, invitation?.fingerprint]);
  if (fingerprint === undefined) refuse('identity pin needs --invitation-file FILE or --fingerprint FINGERPRINT');
  if (FINGERPRINT.test(fingerprint)) return fingerprint;
  return refuse('--fingerprint must have 52 characters of 0-9 and a-v', {
    text: 'securestore init and securestore slot list print it',
  });
}

/** `securestore identity pin`: remembers a store in the identity file, so that it is known on every machine that has the file. */
export async function pinIdentity(call: Call, given: string | undefined): Promise<void> {
  const { cli, out } = call;
  const file = fileOf(call, given);
  await withIdentity(file, async (before, recipient, pins) => {
    const fingerprint = await fingerprintOf(call, recipient);
    if (!pins.includes(fingerprint)) {
      const text = Buffer.concat([before, Buffer.from(`\nfingerprint: ${fingerprint}\n`, 'latin1')]);
      try {
        // Where a link leads to: the identity may lie on a disk that it must not leave.
        await writeFileAtomically(await realpath(file), Readable.from([text]), { random: cli.random });
      } finally {
        text.fill(0);
      }
    }
    await out.result({ identityFile: file, fingerprint }, () => [
      `${printable(file)} unlocks the store with the fingerprint ${fingerprint}`,
    ]);
  });
}
