import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { WireComparePage } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { change, draft, isChosen, pointQuery, toggled } from '../lib/draft.ts';
import type { Point } from '../lib/draft-types.ts';
import { bytes, count } from '../lib/format.ts';
import { useListing } from '../lib/listing.ts';
import type { ListingPage } from '../lib/listing.ts';
import { amend, go, place } from '../lib/router.ts';
import { Badge, Button, Empty, Failure, Link, Loading } from '../parts/basics.tsx';
import { Choice } from '../parts/fields.tsx';
import type { Tone } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { MomentField } from '../parts/moment-field.tsx';
import { byKey, ChooseKey, FoundFoot, MANY, OpenKey } from '../parts/name-rows.tsx';
import { LookPage } from '../parts/recover.tsx';
import { Rows } from '../parts/rows.tsx';
import type { Column } from '../parts/rows.tsx';
import { Search } from '../parts/search.tsx';
import { Time } from '../parts/time.tsx';

type Row = WireComparePage['differences'][number];

const PAGE = 500;
const TONES: Readonly<Record<Row['type'], Tone>> = { added: 'ok', removed: 'bad', changed: 'warn' };

const sizeOf = (size: number | undefined): string => (size === undefined ? '?' : bytes(size));

function sizes({ before, after }: Row): string {
  const known = [before, after].filter((one) => one !== undefined).map(({ size }) => sizeOf(size));
  return [...new Set(known)].join(' → ');
}

const columns = (onOpen: (row: Row) => void, onToggle: (row: Row) => void): readonly Column<Row>[] => [
  {
    title: 'Choose',
    class: 'pick',
    cell: (row) =>
      row.type === 'added' ? (
        <span aria-hidden="true">–</span>
      ) : (
        <ChooseKey of={row.key} onToggle={() => onToggle(row)} />
      ),
  },
  {
    title: 'Key',
    class: 'main',
    cell: (row) => <OpenKey of={row.key} onOpen={() => onOpen(row)} />,
  },
  { title: 'Since then', class: 'side', cell: ({ type }) => <Badge tone={TONES[type]}>{type}</Badge> },
  { title: 'Size', class: 'side number sizes', cell: sizes },
  {
    // When something was removed no version tells: the one that was removed says when it was written.
    title: 'Stored',
    class: 'side time',
    cell: ({ after }) => (after === undefined ? '' : <Time of={after.modified} />),
  },
];

const lostText = (many: number): string =>
  many === 1 ? 'Choose the one that was changed or removed' : `Choose the ${count(many)} that were changed or removed`;

interface Against {
  readonly type: 'now' | 'moment';
  readonly at?: Date;
}

/** What is different between the moment and another one, or now. */
export function CompareView(): JSX.Element {
  const prefix = place.value.state.prefix ?? '';
  const [typed, setTyped] = useState(prefix);
  const [against, setAgainst] = useState<Against>({ type: 'now' });
  const { destination, point, chosen } = draft.value;
  const from = pointQuery(point);
  const to: Point | undefined =
    against.type === 'moment' && against.at !== undefined ? { at: against.at.toISOString() } : undefined;
  const isNewest = against.type === 'now' && point.at === undefined && point.snapshot === undefined;
  const isReady = against.type === 'now' || to !== undefined;
  const key = destination === undefined || !isReady ? undefined : JSON.stringify([destination, from, to, prefix]);
  const load = async (after: string | undefined, signal: AbortSignal): Promise<ListingPage<Row>> => {
    const query = {
      destination,
      fromAt: from.at,
      fromSnapshot: from.snapshot,
      toAt: to?.at,
      prefix,
      after,
      limit: PAGE,
    };
    const page = await get<WireComparePage>('/v1/recovery-points/compare', query, { signal });
    return { items: page.differences, after: page.after, progress: page.progress };
  };
  const listing = useListing<Row>(key, load, { ahead: MANY, order: byKey });
  const open = (row: Row): void => go('/recover/key', { key: row.key });
  const toggle = (row: Row): void => {
    if (row.type !== 'added') change({ chosen: toggled(chosen, row.key) });
  };
  const lost = listing.rows.filter(({ type }) => type !== 'added').map((row) => row.key);

  return (
    <LookPage title="Differences">
      <Search
        label="Only below"
        hint="What names begin with, such as db/prod/. Empty for everything."
        value={typed}
        action="Compare"
        onInput={setTyped}
        onSubmit={() => amend({ prefix: typed })}
        onClear={() => amend({ prefix: '' })}
      />
      <Choice
        legend="Compare with"
        value={against.type}
        options={[
          { value: 'now', label: 'The store as it is now' },
          { value: 'moment', label: 'Another moment of the backup' },
        ]}
        onChange={(type) => setAgainst({ ...against, type })}
      />
      {against.type === 'moment' && (
        <MomentField
          label="The other moment"
          value={against.at}
          onChange={(at) => setAgainst({ type: 'moment', at })}
        />
      )}
      {listing.error !== undefined && <Failure error={listing.error} onRetry={listing.reload} />}
      {listing.isLoading && listing.rows.length === 0 && listing.progress === 0 && (
        <Loading isSlow={listing.isSlow} what="differences" />
      )}
      {isReady &&
        !listing.isLoading &&
        listing.rows.length === 0 &&
        !listing.hasMore &&
        listing.error === undefined && (
          <Empty title="There is no difference">
            <p>Everything{prefix === '' ? '' : ` below ${prefix}`} that you may see is the same at both moments.</p>
            {isNewest && (
              <p>
                The newest moment may already have the damage in it.{' '}
                <Link to="/recover">Choose one from before it</Link>, and see here what changed since.
              </p>
            )}
          </Empty>
        )}
      {listing.rows.length > 0 && (
        <Rows
          label="Differences"
          rows={listing.rows}
          columns={columns(open, toggle)}
          keyOf={(row) => row.key}
          hasMore={listing.hasMore}
          onOpen={open}
          onToggle={toggle}
          isSelected={(row) => isChosen(chosen, row.key)}
          resetKey={key ?? ''}
        />
      )}
      {isReady && listing.error === undefined && (listing.rows.length > 0 || listing.hasMore) && (
        <FoundFoot listing={listing} what="different">
          {!listing.hasMore && lost.length > 0 && lost.length <= 10_000 && (
            <Button onPress={() => change({ chosen: { type: 'keys', keys: lost } })}>{lostText(lost.length)}</Button>
          )}
        </FoundFoot>
      )}
      {destination !== undefined && isReady && (
        <Command request={{ type: 'compare', destination, from, to, ...(prefix !== '' && { prefix }) }} />
      )}
    </LookPage>
  );
}
