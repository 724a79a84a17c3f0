import type { SecureStore } from 'securestore';
import type { MovingClock } from './moving-clock.ts';
import type { Served } from './stores.ts';
import { servedWith } from './stores.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** From one cut of a continuous backup to the next: near enough for one window. */
const STEP = 50_000;

const TEAMS = ['billing', 'checkout', 'identity', 'mail', 'search', 'warehouse'];

const INVOICES = 1500;
const invoice = (at: number): string => `billing/prod/invoices/2026-${String(at).padStart(5, '0')}`;

/** What a company keeps in such a store. */
async function usual(store: SecureStore): Promise<void> {
  for (const team of TEAMS) {
    for (const stage of ['prod', 'staging']) {
      await store.store(`${team}/${stage}/database/password`, `${team} ${stage}`);
      await store.store(`${team}/${stage}/database/user`, team);
      await store.store(`${team}/${stage}/config`, JSON.stringify({ team, stage, limit: 100 }));
    }
  }
  const invoices = Array.from({ length: INVOICES }, (_, at) => ({
    key: invoice(at),
    data: `invoice ${at}`.repeat(40),
  }));
  await store.storeMany(invoices, { concurrency: 64 });
}

/** Some days of backups with a gap in them, and a night in which a job went wrong. */
export function afterAnAccident(approvals = false): Promise<Served> {
  return servedWith({
    days: 6,
    approvals,
    follows: true,
    async fill(store, clock, [offsite]) {
      await usual(store);
      await store.backup(offsite, { label: 'first' });
      await store.backups.setRetention(offsite, { last: 3, daily: 14, monthly: 12, timeZone: 'Europe/Berlin' });
      const place = { destination: offsite, timeZone: 'Europe/Berlin' };
      for (let day = 1; day < 6; day++) {
        await store.store('mail/prod/config', JSON.stringify({ day }));
        // One day nobody looked after it.
        if (day === 3) clock.pass(DAY);
        else {
          await followed(store, clock, offsite, 4);
          clock.pass(20 * HOUR);
        }
      }
      await store.backups.drill(offsite);
      clock.pass(12 * HOUR);
      await store.backup(offsite, { label: 'before release 4.2' });
      clock.pass(3 * HOUR);
      // What happened.
      await store.store('billing/prod/database/password', 'changeme');
      await store.store('billing/prod/config', '{}');
      for (let at = 0; at < INVOICES; at++) await store.delete(invoice(at));
      await store.schedules.add({ id: 'nightly', task: 'backup', cron: '30 2 * * *', ...place });
      await store.schedules.add({ id: 'drill', task: 'drill', cron: '0 5 * * 0', ...place });
      await store.backup(offsite, { label: 'nightly' });
    },
  });
}

/** Some hours of a continuous backup. */
async function followed(store: SecureStore, clock: MovingClock, destination: string, hours: number): Promise<void> {
  await store.backup(destination, { label: 'nightly' });
  await using following = await store.backups.startContinuous(destination, { interval: STEP });
  const end = clock.now() + hours * HOUR;
  for (let step = 0; clock.now() < end; step++) {
    await store.store('search/prod/config', JSON.stringify({ step }));
    await following.caughtUp();
    clock.pass(STEP);
  }
}

/** A store that has a few objects, and no backup. */
export function withoutBackups(): Promise<Served> {
  return servedWith({ days: 1, fill: usual });
}

const LONG = 'a-name-that-somebody-has-made-of-everything-that-they-knew-about-the-thing-when-they-stored-it';

/** Names as nobody expects them. */
export function withLongNames(): Promise<Served> {
  return servedWith({
    days: 2,
    async fill(store, clock, [offsite, archive]) {
      for (let at = 0; at < 12; at++)
        await store.store(`${LONG}/${LONG}-${at}/${LONG}-and-more-of-it-${at}`, 'x'.repeat(at * 1000));
      await store.store('счета/база данных/пароль', 'x');
      await store.store('ünïcödé/ĉiuj/ŝlosilo', 'x');
      await store.store('spaces and  more/of   them', 'x');
      await store.backup(offsite, { label: `${LONG} ${LONG}`.slice(0, 120) });
      clock.pass(DAY);
      await store.store(`${LONG}/${LONG}-3/${LONG}-and-more-of-it-3`, 'another');
      await store.backup(archive, { label: 'archive' });
      await store.backup(offsite);
    },
  });
}

/** Half of all in one folder, the others in a hundred. */
const nameOf = (at: number): string =>
  at % 2 === 0
    ? `customers/${String(at).padStart(6, '0')}`
    : `orders/${String(at % 100).padStart(2, '0')}/${String(at).padStart(6, '0')}`;

/** As many keys as a large store has, half of them in one folder. */
export function withManyKeys(count = 100_000): Promise<Served> {
  return servedWith({
    days: 1,
    async fill(store, clock, [offsite]) {
      const items = Array.from({ length: count }, (_, at) => ({ key: nameOf(at), data: `value ${at}` }));
      await store.storeMany(items, { concurrency: 64 });
      await store.backup(offsite, { label: 'all of it' });
      clock.pass(HOUR);
      for (let at = 0; at < count; at += 997) await store.store(nameOf(at), 'changed');
      await store.backup(offsite, { label: 'an hour later' });
    },
  });
}
