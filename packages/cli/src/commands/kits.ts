import { rm } from 'node:fs/promises';
import { format, parse } from 'node:path';
import { fileError, systemCodeOf, writeNewFile } from '@securestore/core-format';
import type { RecoveryKit, SecureStore, ShareScheme, SlotInfo } from 'securestore';
import { type Owners, ownersOf } from '../access/pending-backups.ts';
import type { Call } from '../call/call.ts';
import { Commands } from '../errors/hints.ts';
import { refusal } from '../errors/refuse.ts';
import { isRemote } from '../store/served.ts';
import { printable } from '../terminal/terminal-text.ts';

/** Secrets that are to be written down, each in a kit of its own. */
export interface Kits {
  /** The file of the one kit; of several, each has its number before the extension. */
  readonly path: string;
  readonly kind: RecoveryKit['kind'];
  readonly secrets: readonly Uint8Array[];
  /** Of shares. */
  readonly scheme?: ShareScheme;
}

function pathOf({ path, secrets }: Kits, number: number): string {
  if (secrets.length === 1) return path;
  const { dir, name, ext } = parse(path);
  return format({ dir, name: `${name}-${number}`, ext });
}

/** A file that only its owner may read, if none is there. It is durable, as the slot will be. */
async function writeNew(path: string, contents: Uint8Array): Promise<void> {
  try {
    await writeNewFile(path, (file) => file.writeFile(contents));
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') {
      throw refusal('ALREADY_EXISTS', `the file "${path}" already exists. Nothing was changed.`, {
        hints: [{ text: 'choose another name for --kit, or move the file away' }],
      });
    }
    throw fileError(error, `cannot write the recovery kit "${path}"`);
  }
}

/** Why a destination that has the backups of another copy of the store is in no kit: a new slot reaches only the store's own backups. */
const LEFT_OUT = {
  source: 'it has the backups of the store that this one was restored from',
  copy: 'it has the backups of another copy of the store',
} as const;

/**
 * Writes a kit for each secret, all or none; before the slot is made, so that there never is one whose secret is lost.
 *
 * @throws `ALREADY_EXISTS` where a file is in the way
 */
export async function writeKits(call: Call, store: SecureStore, kits: Kits): Promise<string[]> {
  const { cli, out } = call;
  const { formatRecoveryKit } = await import('securestore');
  const { kind, secrets, scheme } = kits;
  const { fingerprint, url: storeUrl } = store;
  const registered = [...new Set((await store.backups.destinations()).map(({ url }) => url))];
  const owners: Owners = registered.length === 0 ? new Map() : await ownersOf(call, store);
  // One that does not answer may have backups that the secret opens.
  const destinations = registered.filter((url) => !owners.has(url));
  const written: string[] = [];
  try {
    for (const [index, unlockSecret] of secrets.entries()) {
      const number = index + 1;
      const share = scheme === undefined ? {} : { share: { ...scheme, number } };
      const made = cli.now();
      const text = formatRecoveryKit({ kind, unlockSecret, fingerprint, storeUrl, made, destinations, ...share });
      const path = pathOf(kits, number);
      try {
        await writeNew(path, text);
      } finally {
        text.fill(0);
      }
      written.push(path);
    }
    for (const [url, owner] of owners) {
      const opens = 'which the new secret does not open';
      out.note(`${printable(url)} is not named in the recovery kit: ${LEFT_OUT[owner]}, ${opens}`);
    }
    return written;
  } catch (error) {
    await Promise.all(written.map((path) => rm(path, { force: true })));
    throw error;
  }
}

/** Says that the kits that exist do not name a destination that was registered after them. */
export async function noteOlderKits(call: Call, store: SecureStore): Promise<void> {
  // Over a server it is not asked: who may make backups may be allowed no look at the slots.
  if (isRemote(store)) return;
  const slots = await store.slots.list({ signal: call.cli.signal });
  if (!slots.some(({ method }) => method === 'recoveryCode' || method === 'shares')) return;
  const add = new Commands(call).on(['slot', 'add'], { 'new-recovery-code': true, kit: 'FILE' });
  call.out.note(
    `the recovery kits that you have do not name this destination: write its URL on them, or make new ones: ${printable(add)}`,
  );
}

/** Removes kits whose slot was not made. Where that isn't sure they stay, and it is said. */
export async function discardKits(
  { out }: Call,
  store: SecureStore,
  paths: readonly string[],
  before: readonly SlotInfo[],
): Promise<void> {
  try {
    const after = await store.slots.list();
    if (after.every(({ id }) => before.some((slot) => slot.id === id))) {
      await Promise.all(paths.map((path) => rm(path, { force: true })));
      return;
    }
  } catch {
    // What stopped the command is what is reported.
  }
  const names = paths.map(printable).join(', ');
  out.note(
    `it is not sure whether the slot was added, so these kits were kept: ${names}. securestore slot list shows it`,
  );
}
