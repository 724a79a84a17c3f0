import type { LockReason } from '@securestore/core-format';
import { AREAS } from '@securestore/core-format';
import { byKey } from '../../../objects/test/simulation/rules/by-key.ts';
import { errors as errorsOf } from '../../../objects/test/simulation/rules/errors.ts';
import { freshness as freshnessOf } from '../../../objects/test/simulation/rules/freshness.ts';
import type { Operation } from '../../../objects/test/simulation/operations.ts';
import type { Recorded } from '../../../objects/test/simulation/world.ts';
import type { Listing, MigrationWorld, Site } from './world.ts';

const succeeded = ({ outcome }: Operation): boolean => outcome.type === 'ok';

/** What a world has recorded, of these operations and heads alone. */
function recordedOf(world: MigrationWorld, change: Partial<Pick<Recorded, 'operations' | 'heads'>>): Recorded {
  const { plan, landings, ledgers, removals, remains, slots, tokens, operations, heads } = world;
  const { headReads, clockErrors, rotated, primaries, complaints } = world;
  const kept = { plan, landings, ledgers, removals, remains, slots, tokens, operations, heads };
  return { ...kept, headReads, clockErrors, rotated, primaries, complaints, ...change };
}

function siteAt({ stays }: MigrationWorld, time: number): Site | undefined {
  return stays.findLast(({ from }) => from <= time)?.site;
}

/** Nothing is acknowledged by one place while the store is in the other. */
export function onePlace(world: MigrationWorld): string[] {
  return world.operations
    .filter(succeeded)
    .filter(({ id, returned }) => world.ended.get(id)?.site !== siteAt(world, returned))
    .map(({ id }) => `#${id} was acknowledged by ${world.ended.get(id)?.site.url}, where the store is not`);
}

/** Who has acknowledged anything in the new place begins no call in the old one, save for parts that no record names yet. */
export function leftBehind(world: MigrationWorld): string[] {
  const violations: string[] = [];
  for (const [process, { connections }] of world.followers) {
    const first = new Map<number, number>();
    for (const { id, returned } of world.operations
      .filter((operation) => operation.process === process)
      .filter(succeeded)) {
      const { connection } = world.ended.get(id) ?? { connection: 0 };
      first.set(connection, Math.min(returned, first.get(connection) ?? Infinity));
    }
    for (const [index, { site, sent }] of connections.entries()) {
      const left = Math.min(...[...first].filter(([connection]) => connection > index).map(([, time]) => time));
      const late = sent.filter(({ time, key }) => time > left && !key.startsWith(AREAS.blobs));
      violations.push(
        ...late.map(({ what, key }) => `${process} begins to ${what} ${key} at ${site.url}, which it has left`),
      );
    }
  }
  return violations;
}

const MAKES: ReadonlySet<string> = new Set(['store', 'setMetadata', 'restoreVersion', 'undelete']);
const REMOVES: ReadonlySet<string> = new Set(['delete', 'purge']);

/** What is wrong with a listing about one object. */
function listingOf(
  operations: readonly Operation[],
  key: string,
  { process, keys, invoked, returned }: Listing,
): string[] {
  const own = operations.filter((operation) => operation.key === key && operation.invoked < returned);
  const isSure = (types: ReadonlySet<string>, others: ReadonlySet<string>): boolean =>
    own.some(
      (sure) =>
        types.has(sure.action.type) &&
        succeeded(sure) &&
        sure.returned < invoked &&
        !own.some(
          ({ action, outcome, returned: ended }) =>
            others.has(action.type) &&
            outcome.type !== 'failed' &&
            (outcome.type === 'unknown' || ended > sure.invoked),
        ),
    );
  const listed = keys.includes(key);
  if (!listed && isSure(MAKES, REMOVES)) return [`${process} lists everything but ${key}, which is there`];
  return listed && isSure(REMOVES, MAKES) ? [`${process} lists ${key}, which was removed`] : [];
}

/** Listings hold what was there when they began, and nothing that was gone. */
export function listings(world: MigrationWorld): string[] {
  const { operations, plan } = world;
  return world.listings.flatMap((listing) => plan.habits.keys.flatMap((key) => listingOf(operations, key, listing)));
}

const MOVING: ReadonlySet<LockReason | undefined> = new Set(['migrating', 'migrated', 'replaced']);

const isAboutMove = ({ outcome }: Operation): boolean =>
  outcome.type !== 'ok' && outcome.code === 'LOCKED' && MOVING.has(outcome.reason);

/** As without migrations; but who does not follow is refused, and so is everybody while the store is closed for long. */
export function errors(world: MigrationWorld): string[] {
  return errorsOf(recordedOf(world, { operations: world.operations.filter((operation) => !isAboutMove(operation)) }));
}

/** In each place as without migrations. */
export function freshness(world: MigrationWorld): string[] {
  return world.sites.flatMap((site) => {
    const operations = world.operations.filter(({ id }) => world.ended.get(id)?.site === site);
    return freshnessOf(recordedOf(world, { operations, heads: site.heads }));
  });
}

/** Whoever comes when all is over finds the store open, whatever has become of those that moved it. */
export function openInTheEnd(world: MigrationWorld): string[] {
  const observed = world.operations.filter(({ process }) => process.endsWith('observer'));
  const refused = observed.filter(
    ({ outcome }) => outcome.type !== 'ok' && outcome.code !== 'NOT_FOUND' && outcome.code !== 'CONFLICT',
  );
  const missing = byKey(observed).size < world.plan.habits.keys.length ? ['the store could not be looked at'] : [];
  return [...missing, ...refused.map(({ id }) => `#${id}: the store is not open in the end`)];
}
