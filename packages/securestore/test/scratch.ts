import { mkdtempSync, symlinkSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { createStore, openStore, migrateStore, rawKey, cancelMigration, retireMigration, restoreStore, keepOldSide, generateIdentity, identity, recipientOf } from '../src/index.ts';
const unlock = rawKey(Buffer.alloc(32, 7));
const dir = mkdtempSync(join(tmpdir(), 'mr-'));
let n = 0;
const place = () => `sqlite:${join(dir, `s${n++}.db`)}`;
const clock = undefined;
const make = async (loc = place()) => { const s = await createStore(loc, { unlock, upkeep: false }); await s.store('a', '1'); await s.close(); return loc; };
const attempt = async (name: string, body: () => PromiseLike<unknown>) => {
  const t = Date.now();
  try { const r = await body(); console.log(`${name}: OK ${JSON.stringify(r)?.slice(0, 200)} (${Date.now()-t} ms)`); }
  catch (e: any) { console.log(`${name}: ${e.code} retryable=${e.retryable}: ${e.message} (${Date.now()-t} ms)`); }
};
const m = (from: string, to: string, o: object = {}) => migrateStore(from, to, { unlock, clock, ...o });
const state = async (loc: string) => { const s = await openStore(loc, { unlock, upkeep: false }); try { await s.store('w', 'x'); return 'writes' } finally { await s.close(); } };
{ const c2 = await make(); const bk = place(); const s = await openStore(c2, { unlock, upkeep: false, clock }); await s.backup(bk); await s.close(); await attempt('create at backups', () => createStore(bk, { unlock, upkeep: false })); }
{ const who = generateIdentity(); const e = place(); const s = await createStore(e, { unlock, upkeep: false, categories: { team: ['t/**'] } }); const fp = s.fingerprint; await s.members.add('ann', await recipientOf(who), { categories: ['team'] }); await s.close(); await attempt('member', async () => m(e, place(), { unlock: identity(who), fingerprint: fp })); 
 await attempt('member cancel', async () => cancelMigration(e, { unlock: identity(who), fingerprint: fp, clock })); await attempt('member retire', async () => retireMigration(e, { unlock: identity(who), fingerprint: fp, clock }));}
{ const e = await make(); const t1 = place(); const t2 = place();
  await Promise.all([attempt('two same 1', () => m(e, t1, { copyOnly: true })), attempt('two same 2', () => m(e, t1, { copyOnly: true })), attempt('two other 3', () => m(e, t2, {copyOnly: true}))]);
  await attempt('two other 4', () => m(e, t2, {copyOnly: true}));
  await attempt('cancel while', async () => { const j = m(e, t1, {}); await new Promise((r) => setTimeout(r, 3000)); await attempt('  cancel while', () => cancelMigration(e, {unlock})); await attempt('  retire while', () => retireMigration(e, {unlock}));
     const s = await openStore(e, {unlock, upkeep: false}); await attempt('  rotate while', () => s.rotateEncryptionKey(unlock, unlock, {depth:'keys'})); const bk = place(); await attempt('  backup while', () => s.backup(bk)); await attempt('  restore while', () => s.restore(bk, {conflict: 'overwrite'})); await s.close(); return j; });
  await attempt('moved: cancel', () => cancelMigration(e, {unlock}));
  await attempt('moved: retire at old', () => retireMigration(e, {unlock}));
  await attempt('moved: again', () => m(e, t1));
  await attempt('moved: elsewhere', () => m(e, t2));
  await attempt('moved: create at old', () => createStore(e, {unlock, upkeep: false}));
  await attempt('moved: other store to old', async () => m(await make(), e));
  await attempt('moved: retire', () => retireMigration(t1, {unlock}));
  await attempt('moved: retire again', () => retireMigration(t1, {unlock}));
  await attempt('moved: back', () => m(t1, e));
}
