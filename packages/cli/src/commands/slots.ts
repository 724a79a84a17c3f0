import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore, SlotInfo } from 'securestore';
import type { Call } from '../call.ts';
import { ensureKeyFile } from '../key-file.ts';
import { withStore } from '../open.ts';
import { findNewSecret, type NewSecretOptions, unlockWith } from '../secret.ts';
import { formatTable, formatTime, printable } from '../terminal-text.ts';

const COLUMNS = [{ title: 'ID' }, { title: 'METHOD' }, { title: 'CREATED' }, { title: '' }] as const;

const METHODS: Readonly<Record<SlotInfo['method'], string>> = {
  passphrase: 'passphrase',
  keyFile: 'key file',
  rawKey: 'raw key',
  unknown: 'unknown to this release',
};

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** `securestore slots`, `securestore slots add`, `securestore slots remove`. */
export async function slots(
  call: Call<NewSecretOptions>,
  action: string | undefined,
  id: string | undefined,
): Promise<void> {
  const { newKeyFile, newPassphraseFile } = call.options;
  const given = newKeyFile ?? newPassphraseFile;
  if (action !== undefined && action !== 'add' && action !== 'remove') {
    refuse('after slots comes add, remove or nothing; see securestore help slots');
  }
  if (given !== undefined && action !== 'add') refuse('--new-key-file and --new-passphrase-file belong to slots add');
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

async function add({ cli, out, options }: Call<NewSecretOptions>, store: SecureStore): Promise<void> {
  const source = findNewSecret(cli, options);
  const made = source.kind === 'key-file' && (await ensureKeyFile(source.path)) ? source.path : undefined;
  using secret = await unlockWith(source);
  const slot = await store.slots.add(secret.method, { signal: cli.signal });
  await out.result(made === undefined ? slot : { ...slot, keyFile: made }, () => [
    `added the slot ${slot.id}: a ${METHODS[slot.method]} that opens the store`,
    ...(made === undefined ? [] : [`made the key file ${printable(made)}`]),
  ]);
}

async function remove({ cli, out }: Call, store: SecureStore, id: string): Promise<void> {
  await store.slots.remove(id, { signal: cli.signal });
  await out.result({ id, removed: true }, () => `removed the slot ${printable(id)}`);
  out.note(
    'Whoever has its secret and an old copy of the store can still find the keys that the store has now. ' +
      'To renew them: securestore rotate --same-secret',
  );
}
