import type { UnlockSecretMethod, SecureStore, ShareScheme, SlotInfo } from 'securestore';
import type { Call } from '../call/call.ts';
import { ensureKeyFile } from '../secret/key-file.ts';
import { discardKits, type Kits, writeKits } from './kits.ts';
import { refuse } from '../errors/refuse.ts';
import { findNewSecret, type NewSecretOptions } from '../secret/secret.ts';
import { isRemote, placeOf, slotNotServed, TELL_WHERE } from '../store/served.ts';
import { printable } from '../terminal/terminal-text.ts';
import { unlockWith } from '../secret/unlocking.ts';

export interface SlotsOptions extends NewSecretOptions {
  readonly newRecoveryCode?: boolean;
  readonly newShares?: string;
  readonly recipient?: string;
  readonly kit?: string;
}

export const METHODS: Readonly<Record<SlotInfo['method'], string>> = {
  passphrase: 'passphrase',
  keyFile: 'key file',
  rawKey: 'raw key',
  recoveryCode: 'recovery code',
  shares: 'set of shares',
  recipient: 'identity',
  keyWrapper: 'key wrapper',
  unknown: 'unknown to this release',
};

/** @throws `INVALID_ARGUMENT`, before a store is opened */
export function checkAddition({ kit, newRecoveryCode, newShares }: SlotsOptions): void {
  if (kit !== undefined && newRecoveryCode !== true && newShares === undefined) {
    refuse('--kit needs --new-recovery-code or --new-shares');
  }
  if (newShares !== undefined) parseScheme(newShares);
}

/** Adds what the options say to the slots of a store. */
export async function addTo(call: Call<SlotsOptions>, store: SecureStore): Promise<void> {
  const { newKeyFile, newRecoveryCode, newShares, recipient } = call.options;
  if (isRemote(store) && [newKeyFile, newRecoveryCode, newShares].some((kind) => kind !== undefined)) {
    slotNotServed();
  }
  if (recipient !== undefined) return await addRecipient(call, store, recipient);
  if (newRecoveryCode === true) return await addRecoveryCode(call, store);
  if (newShares !== undefined) return await addShares(call, store, parseScheme(newShares));
  return await addSecret(call, store);
}

async function addSecret(call: Call<SlotsOptions>, store: SecureStore): Promise<void> {
  const { cli, out } = call;
  const source = await findNewSecret(call, store.url);
  const made = source.kind === 'key-file' && (await ensureKeyFile(source.path)) ? source.path : undefined;
  using secret = await unlockWith(source);
  const slot = await store.slots.add(secret.method, { signal: cli.signal });
  await out.result(made === undefined ? slot : { ...slot, keyFile: made }, () => [
    `added the slot ${slot.id}: a ${METHODS[slot.method]} that unlocks the store`,
    ...(made === undefined ? [] : [`created the key file ${printable(made)}`]),
  ]);
}

/** The invitation goes to stdout, so that it can be sent as it is. */
async function addRecipient({ cli, out }: Call, store: SecureStore, recipient: string): Promise<void> {
  const { formatInvitation } = await import('securestore');
  const slot = await store.slots.add({ recipient }, { signal: cli.signal });
  const { fingerprint } = store;
  const storeUrl = placeOf(store);
  const invitation = formatInvitation({ fingerprint, storeUrl, recipient: slot.recipient, slot: slot.id });
  await out.result({ ...slot, fingerprint, ...(storeUrl && { storeUrl }), invitation }, () =>
    invitation.trimEnd().split('\n'),
  );
  out.note(
    `added the slot ${slot.id}: the identity of this recipient unlocks the store. Send them this invitation by a way that ` +
      'both of you trust: it is not secret, but an attacker who changes it can lead them to another store',
  );
  if (storeUrl === undefined) out.note(TELL_WHERE);
}

/** `2/3`: two of three. */
function parseScheme(text: string): ShareScheme {
  const [, threshold, shares] = /^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? [];
  if (threshold === undefined || shares === undefined) {
    refuse(`--new-shares must be K/N, such as 2/3 for any two of three, got "${printable(text)}"`);
  }
  const scheme = { threshold: Number(threshold), count: Number(shares) };
  if (scheme.threshold < 2 || scheme.threshold > scheme.count) {
    refuse(`--new-shares must be K/N with K from 2 to N, such as 2/3 for any two of three, got "${printable(text)}"`);
  }
  return scheme;
}

/** Adds a secret that has been written into kits, or is shown once: then it is kept nowhere. */
async function addPrinted(
  call: Call<SlotsOptions>,
  store: SecureStore,
  method: UnlockSecretMethod,
  kits: Omit<Kits, 'path'>,
): Promise<{ readonly slot: SlotInfo; readonly paths: readonly string[] }> {
  const { signal } = call.cli;
  const { kit: path } = call.options;
  if (path === undefined) return { slot: await store.slots.add(method, { signal }), paths: [] };
  const before = await store.slots.list({ signal });
  const paths = await writeKits(call, store, { ...kits, path });
  try {
    return { slot: await store.slots.add(method, { signal }), paths };
  } catch (error) {
    await discardKits(call, store, paths, before);
    throw error;
  }
}

/** The text goes to stdout, where whoever prints it wants it. */
async function addRecoveryCode(call: Call<SlotsOptions>, store: SecureStore): Promise<void> {
  const { out } = call;
  const { generateRecoveryCode, recoveryCode } = await import('securestore');
  const code = generateRecoveryCode();
  try {
    const kits = { kind: 'recovery code', secrets: [code] } as const;
    const { slot, paths } = await addPrinted(call, store, recoveryCode(code), kits);
    const added = `added the slot ${slot.id}: this code unlocks the store`;
    if (paths.length > 0) return await reportKits(call, slot, paths, added);
    const shown = code.toString('latin1');
    await out.result({ ...slot, recoveryCode: shown }, () => [shown]);
    return out.note(`${added}. It is not shown again; write it down`);
  } finally {
    code.fill(0);
  }
}

async function addShares(call: Call<SlotsOptions>, store: SecureStore, scheme: ShareScheme): Promise<void> {
  const { out } = call;
  const { generateShares, shares } = await import('securestore');
  const made = await generateShares(scheme);
  try {
    const kits = { kind: 'share', secrets: made, scheme } as const;
    const { slot, paths } = await addPrinted(call, store, shares(made), kits);
    const added = `added the slot ${slot.id}: any ${scheme.threshold} of these ${scheme.count} shares unlock the store`;
    if (paths.length > 0) return await reportKits(call, slot, paths, added);
    const shown = made.map((share) => share.toString('latin1'));
    await out.result({ ...slot, shares: shown }, () => shown);
    return out.note(`${added}. They are not shown again; give each to another person`);
  } finally {
    for (const share of made) share.fill(0);
  }
}

async function reportKits({ out }: Call, slot: SlotInfo, kits: readonly string[], added: string): Promise<void> {
  await out.result({ ...slot, kits }, () => kits.map((path) => `wrote the recovery kit ${printable(path)}`));
  const advice =
    kits.length > 1
      ? 'Print each kit, give each to another person, and delete these files'
      : 'Print the kit, keep it apart from the store, and delete this file';
  out.note(`${added}. ${advice}`);
}
