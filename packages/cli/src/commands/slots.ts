import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore, ShareScheme, SlotInfo } from 'securestore';
import type { Call } from '../call.ts';
import { ensureKeyFile } from '../key-file.ts';
import { withStore } from '../open.ts';
import { confirmDestruction } from '../prompt.ts';
import { findNewSecret, type NewSecretOptions, unlockWith } from '../secret.ts';
import { formatTable, formatTime, printable } from '../terminal-text.ts';

const COLUMNS = [{ title: 'ID' }, { title: 'METHOD' }, { title: 'CREATED' }, { title: '' }] as const;

const METHODS: Readonly<Record<SlotInfo['method'], string>> = {
  passphrase: 'passphrase',
  keyFile: 'key file',
  rawKey: 'raw key',
  recoveryCode: 'recovery code',
  shares: 'set of shares',
  recipient: 'identity',
  keyWrapper: 'key wrapper',
  unknown: 'unknown to this release',
};

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

export interface SlotsOptions extends NewSecretOptions {
  readonly newRecoveryCode?: boolean;
  readonly newShares?: string;
}

/** `securestore slots`, `securestore slots add`, `securestore slots remove`. */
export async function slots(
  call: Call<SlotsOptions>,
  action: string | undefined,
  id: string | undefined,
): Promise<void> {
  const { newKeyFile, newPassphraseFile, newRecoveryCode, newShares } = call.options;
  const given = newKeyFile ?? newPassphraseFile ?? newRecoveryCode ?? newShares;
  if (action !== undefined && action !== 'add' && action !== 'remove') {
    refuse('after slots comes add, remove or nothing; see securestore help slots');
  }
  if (given !== undefined && action !== 'add') refuse('the options that begin with --new belong to slots add');
  if (action === 'remove' && id === undefined)
    refuse('slots remove needs the id of a slot; securestore slots lists them');
  if (action === 'add' && id !== undefined) refuse('slots add takes no id; it makes one');
  await withStore(call, async (store) => {
    if (action === 'add') return await add(call, store);
    if (id !== undefined) return await remove(call, store, id);
    return await list(call, store);
  });
}

async function list({ cli, out }: Call, store: SecureStore): Promise<void> {
  const all = await store.slots.list({ signal: cli.signal });
  if (out.json) {
    for (const slot of all) await out.result(slot, () => []);
    return;
  }
  const rows = all.map(({ id, method, created, current }) => [
    id,
    METHODS[method],
    created === undefined ? '' : formatTime(created),
    current ? 'in use by this command' : '',
  ]);
  await out.result({}, () => formatTable(COLUMNS, rows));
}

async function add(call: Call<SlotsOptions>, store: SecureStore): Promise<void> {
  const { cli, out, options } = call;
  if (options.newRecoveryCode === true) return await addRecoveryCode(call, store);
  if (options.newShares !== undefined) return await addShares(call, store, parseScheme(options.newShares));
  const source = findNewSecret(cli, options);
  const made = source.kind === 'key-file' && (await ensureKeyFile(source.path)) ? source.path : undefined;
  using secret = await unlockWith(source);
  const slot = await store.slots.add(secret.method, { signal: cli.signal });
  await out.result(made === undefined ? slot : { ...slot, keyFile: made }, () => [
    `added the slot ${slot.id}: a ${METHODS[slot.method]} that opens the store`,
    ...(made === undefined ? [] : [`made the key file ${printable(made)}`]),
  ]);
}

/** `2/3`: two of three. */
function parseScheme(text: string): ShareScheme {
  const [, threshold, shares] = /^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? [];
  if (threshold === undefined || shares === undefined) {
    refuse(`--new-shares takes how many of how many are needed, such as 2/3, not "${printable(text)}"`);
  }
  return { threshold: Number(threshold), count: Number(shares) };
}

/** Shown once: it is kept nowhere. The text goes to stdout, where whoever prints it wants it. */
async function addRecoveryCode({ cli, out }: Call, store: SecureStore): Promise<void> {
  const { generateRecoveryCode, recoveryCode } = await import('securestore');
  const code = generateRecoveryCode();
  try {
    const slot = await store.slots.add(recoveryCode(code), { signal: cli.signal });
    const shown = code.toString('latin1');
    await out.result({ ...slot, recoveryCode: shown }, () => [shown]);
    out.note(
      `added the slot ${slot.id}: whoever has this code can open the store. It is not shown again; write it down`,
    );
  } finally {
    code.fill(0);
  }
}

async function addShares({ cli, out }: Call, store: SecureStore, scheme: ShareScheme): Promise<void> {
  const { generateShares, shares } = await import('securestore');
  const made = await generateShares(scheme);
  try {
    const slot = await store.slots.add(shares(made), { signal: cli.signal });
    const shown = made.map((share) => share.toString('latin1'));
    await out.result({ ...slot, shares: shown }, () => shown);
    out.note(
      `added the slot ${slot.id}: any ${scheme.threshold} of these ${scheme.count} shares open the store. ` +
        'They are not shown again; give each to somebody else',
    );
  } finally {
    for (const share of made) share.fill(0);
  }
}

async function remove({ cli, out, options }: Call, store: SecureStore, id: string): Promise<void> {
  const all = await store.slots.list({ signal: cli.signal });
  // The last one is not removed anyway.
  if (all.length > 1 && all.some((slot) => slot.current && slot.id === id)) {
    const what = 'this command was opened by its secret, which will no longer open the store';
    await confirmDestruction(cli, options.yes, `${what}. Remove it?`, what);
  }
  await store.slots.remove(id, { signal: cli.signal });
  await out.result({ id, removed: true }, () => `removed the slot ${printable(id)}`);
  out.note(
    'Whoever has its secret and an old copy of the store can still find the keys that the store has now. ' +
      'To renew them: securestore rotate --same-secret',
  );
}
