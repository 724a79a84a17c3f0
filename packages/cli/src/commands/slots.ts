import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import type { Call } from '../call.ts';
import { withStore } from '../open.ts';
import { confirmDestruction } from '../prompt.ts';
import { formatTable, formatTime, printable } from '../terminal-text.ts';
import { addSlot, checkAddition, METHODS, OF_ADD, type SlotsOptions } from './slots-add.ts';

const COLUMNS = [{ title: 'ID' }, { title: 'METHOD' }, { title: 'CREATED' }, { title: '' }] as const;

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** `securestore slots`, `securestore slots add`, `securestore slots remove`. */
export async function slots(
  call: Call<SlotsOptions>,
  action: string | undefined,
  id: string | undefined,
): Promise<void> {
  if (action !== undefined && action !== 'add' && action !== 'remove') {
    refuse('after slots comes add, remove or nothing; see securestore help slots');
  }
  const addition = OF_ADD.find((name) => call.options[name] !== undefined);
  if (addition !== undefined && action !== 'add') {
    refuse('--recipient, --kit and the options that begin with --new belong to slots add');
  }
  if (action === 'remove' && id === undefined)
    refuse('slots remove needs the id of a slot; securestore slots lists them');
  if (action === 'add' && id !== undefined) refuse('slots add takes no id; it makes one');
  if (action === 'add') checkAddition(call.options);
  await withStore(call, async (store) => {
    if (action === 'add') return await addSlot(call, store);
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
  const rows = all.map(({ id, method, created, current, recipient, keyWrapper }) => {
    const whose = recipient ?? keyWrapper;
    const remarks = [...(current ? ['in use by this command'] : []), ...(whose === undefined ? [] : [whose])];
    return [id, METHODS[method], created === undefined ? '' : formatTime(created), remarks.join(', ')];
  });
  await out.result({}, () => formatTable(COLUMNS, rows));
  out.note(`fingerprint of the store: ${store.fingerprint}`);
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
