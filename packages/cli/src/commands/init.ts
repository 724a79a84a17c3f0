import { resolve } from 'node:path';
import { isServed } from '@securestore/backend-api';
import type { CreateOptions, SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { hintText } from '../errors/hints.ts';
import { ensureKeyFile } from '../secret/key-file.ts';
import { sayMissingFolders } from '../call/missing-folders.ts';
import { storeUrlOf, loggerFor } from '../store/open.ts';
import { nextSteps, storeVariable, variableCommand } from '../call/next-steps.ts';
import { refuse } from '../errors/refuse.ts';
import { findFirstSecret } from '../secret/secret.ts';
import { printable } from '../terminal/terminal-text.ts';
import { unlockWith } from '../secret/unlocking.ts';
import { changeIn } from './settings.ts';
import type { SettingsOptions } from './settings.ts';

export interface InitOptions extends Omit<SettingsOptions, 'ifVersion'> {
  readonly names?: 'encrypted' | 'plain';
  readonly suite?: '1' | '2';
}

/** `securestore init`. */
export async function init(call: Call<InitOptions>, operand: string | undefined): Promise<void> {
  if (call.options.invitationFile !== undefined) {
    refuse('--invitation-file is for a store that exists, and init makes a new one');
  }
  const url = await storeUrlOf(call, operand);
  if (isServed(url)) {
    refuse(
      'cannot make a store over a server',
      { text: 'to make one on this machine', command: 'securestore init sqlite:./vault.db' },
      { text: 'then to serve it', command: 'securestore serve --store sqlite:./vault.db' },
    );
  }
  if (url.startsWith('memory:')) {
    refuse('a store in memory: is lost when the command ends', { text: 'choose file: or sqlite:' });
  }
  const settings = settingsOf(call.options);
  const secret = await findFirstSecret(call, url);
  const madeKeyFile = secret.kind === 'key-file' && (await ensureKeyFile(secret.path)) ? secret.path : undefined;
  const { createStore } = await import('securestore');
  // A key file made for a store that then could not be made is left: another `init` may be relying on it already.
  using unlock = await unlockWith(secret);
  // Of a kit: it would refuse the new store from then on.
  if (unlock.fingerprint !== undefined) {
    refuse('a recovery kit belongs to an existing store, and cannot unlock a new one', {
      text: 'create the store with another unlock secret, then its kit with slot add --kit FILE',
    });
  }
  await sayMissingFolders(call.out, url);
  const { out, cli, options } = call;
  let store: SecureStore;
  try {
    store = await createStore(url, {
      ...settings,
      unlock: unlock.method,
      anchor: options.anchor ?? true,
      acceptRollback: options.acceptRollback,
      logger: loggerFor(call),
      discovery: discoveryOf(call),
      signal: cli.signal,
    });
  } catch (error) {
    if (madeKeyFile !== undefined)
      out.note(`the new key file ${printable(madeKeyFile)} is kept; it opens no store yet`);
    throw error;
  }
  await using _ = store;
  await report(call, store, madeKeyFile);
  for (const step of nextSteps(call.options, operand)) call.out.note(`next, to ${hintText(step)}`);
  const variable = storeVariable(store.url);
  // Whoever set it, or has a configuration, names the store without the option already.
  if ((operand ?? call.options.store) === undefined || call.cli.env['SECURESTORE_URL'] === variable.url) return;
  const { keyFile } = call.options;
  if (keyFile !== undefined)
    call.out.note(printable(`to use it without --key-file: ${variableCommand('KEY_FILE', resolve(keyFile))}`));
  call.out.note(printable(`to use it without --store: ${variable.command}`));
}

function settingsOf(options: InitOptions): Omit<CreateOptions, 'unlock'> {
  const { names, suite } = options;
  return {
    ...changeIn(options),
    ...(names === undefined ? {} : { names }),
    ...(suite === undefined ? {} : { suite: suite === '2' ? 2 : 1 }),
  };
}

async function report({ out }: Call, store: SecureStore, keyFile: string | undefined): Promise<void> {
  const { url, fingerprint } = store;
  const value = { url, fingerprint, ...(keyFile === undefined ? {} : { keyFile }) };
  await out.result(value, () => [
    `created a store at ${printable(url)}`,
    `fingerprint: ${fingerprint}`,
    ...(keyFile === undefined ? [] : [`created the key file ${printable(keyFile)}`]),
  ]);
  out.note(
    keyFile === undefined
      ? 'Keep the unlock secret safe: without it the store cannot be decrypted.'
      : 'Keep a copy of the key file apart from the store: without it the store cannot be decrypted.',
  );
}
