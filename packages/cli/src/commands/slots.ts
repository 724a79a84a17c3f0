import type { SecureStore } from 'securestore';
import { pendingBackups } from '../access/pending-backups.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { confirmDestruction } from '../secret/prompt.ts';
import { withNewSecret } from '../secret/new-secret-options.ts';
import { isRemote } from '../store/served.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { addTo, checkAddition, METHODS, type SlotsOptions } from './slots-add.ts';

const COLUMNS = [{ title: 'ID' }, { title: 'METHOD' }, { title: 'CREATED' }, { title: '' }] as const;

/** `securestore slot list`. */
export async function listSlots(call: Call): Promise<void> {
  await withStore(call, (store) => list(call, store));
}

/** `securestore slot add`. */
export async function addSlot(call: Call<SlotsOptions>): Promise<void> {
  checkAddition(call.options);
  await withStore(call, (store) => addTo(call, store));
}

/** `securestore slot remove`. */
export async function removeSlot(call: Call, id: string): Promise<ExitCode> {
  return await withStore(call, (store) => remove(call, store, id));
}

async function list({ cli, out }: Call, store: SecureStore): Promise<void> {
  const all = await store.slots.list({ signal: cli.signal });
  if (out.json) {
    for (const slot of all) await out.result(slot, () => []);
    return;
  }
  const rows = all.map(({ id, method, created, current, recipient, keyWrapper }) => {
    const whose = recipient ?? keyWrapper;
    const remarks = [
      ...(current ? [`in use by ${isRemote(store) ? 'the server' : 'this command'}`] : []),
      ...(whose === undefined ? [] : [whose]),
    ];
    return [id, METHODS[method], created === undefined ? '' : formatTime(created), remarks.join(', ')];
  });
  await out.result({}, () => formatTable(COLUMNS, rows));
  out.note(count(rows.length, 'slot'));
  out.note(`fingerprint of the store: ${store.fingerprint}`);
}

async function remove(call: Call, store: SecureStore, id: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const all = await store.slots.list({ signal: cli.signal });
  const isOwn = all.some((slot) => slot.current && slot.id === id);
  // The last one is not removed anyway.
  if (all.length > 1 && isOwn) {
    const what = isRemote(store)
      ? 'the server unlocked the store by this slot, which will no longer unlock it: the server needs another unlock secret at its next start'
      : 'this command unlocked the store by this slot, which will no longer unlock it';
    await confirmDestruction(cli, options.yes, `${what}. Remove it?`, 'the slot in use would be removed');
  }
  const removing = store.slots.remove(id, { signal: cli.signal });
  const { pending } = await watchWait(cli, 'slot remove: removing the slot here and from backups', removing);
  const found = await pendingBackups(
    isOwn ? { ...call, options: withNewSecret(call.options) } : call,
    store,
    pending,
    'the unlock secret still opens their backups: once they can be reached, run securestore backup with each, which ends that',
  );
  await out.result({ id, removed: true, ...found.data }, () => `removed the slot ${printable(id)}`);
  for (const line of found.lines) out.note(line);
  out.note(
    'An attacker with its unlock secret and an old copy of the store can still find the current encryption keys. ' +
      'To replace them: securestore rotate --same-secret',
  );
  return pending.length === 0 ? 0 : SOME_FAILED;
}
