import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { WireFindPage } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { change, draft, isChosen, momentQuery, pointQuery, toggled } from '../lib/draft.ts';
import { useListing } from '../lib/listing.ts';
import type { ListingPage } from '../lib/listing.ts';
import { amend, go, place } from '../lib/router.ts';
import { Badge, Empty, Failure, Loading } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { byKey, ChooseKey, FoundFoot, MANY, OpenKey } from '../parts/name-rows.tsx';
import { LookPage } from '../parts/recover.tsx';
import { Rows } from '../parts/rows.tsx';
import type { Column } from '../parts/rows.tsx';
import { Search } from '../parts/search.tsx';
import { Time } from '../parts/time.tsx';

type Found = WireFindPage['keys'][number];

const PAGE = 500;

const columns = (onOpen: (row: Found) => void, onToggle: (row: Found) => void): readonly Column<Found>[] => [
  {
    title: 'Choose',
    class: 'pick',
    cell: (row) => <ChooseKey of={row.key} onToggle={() => onToggle(row)} />,
  },
  {
    title: 'Key',
    class: 'main',
    cell: (row) => <OpenKey of={row.key} onOpen={() => onOpen(row)} />,
  },
  {
    title: 'Then',
    class: 'side',
    cell: ({ state }) => <Badge tone={state === 'there' ? 'ok' : 'warn'}>{state}</Badge>,
  },
  { title: 'Since', class: 'side time', cell: ({ modified }) => <Time of={modified} /> },
];

/** A key by a part of its name, also one that is not there any more. */
export function FindView(): JSX.Element {
  const contains = place.value.state.contains ?? '';
  const [typed, setTyped] = useState(contains);
  const [problem, setProblem] = useState<string>();
  const { destination, chosen } = draft.value;
  const moment = momentQuery(draft.value);
  const key = destination === undefined || contains === '' ? undefined : JSON.stringify([moment, contains]);
  const load = async (after: string | undefined, signal: AbortSignal): Promise<ListingPage<Found>> => {
    const page = await get<WireFindPage>(
      '/v1/recovery-points/find',
      { ...moment, contains, after, limit: PAGE },
      { signal },
    );
    return { items: page.keys, after: page.after, progress: page.progress };
  };
  const listing = useListing<Found>(key, load, { ahead: MANY, order: byKey });
  const open = (row: Found): void => go('/recover/key', { key: row.key });
  const toggle = (row: Found): void => change({ chosen: toggled(chosen, row.key) });

  return (
    <LookPage title="Find a key">
      <Search
        label="Part of the name"
        hint="Large and small letters are the same. Deleted keys are found too, while their history is kept."
        error={problem}
        value={typed}
        action="Find"
        isPrimary
        onInput={setTyped}
        onSubmit={() => {
          setProblem(typed === '' ? 'Enter a part of the name.' : undefined);
          amend({ contains: typed });
        }}
      />
      {listing.error !== undefined && <Failure error={listing.error} onRetry={listing.reload} />}
      {contains !== '' && listing.isLoading && listing.rows.length === 0 && listing.progress === 0 && (
        <Loading isSlow={listing.isSlow} what="the key" />
      )}
      {contains !== '' &&
        !listing.isLoading &&
        listing.rows.length === 0 &&
        !listing.hasMore &&
        listing.error === undefined && (
          <Empty title={`No key had “${contains}” in its name then`}>
            <p>Try a shorter part, or an earlier moment. A key that was purged shows only at moments before that.</p>
          </Empty>
        )}
      {listing.rows.length > 0 && (
        <Rows
          label={`Keys with ${contains} in their name`}
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
      {contains !== '' && listing.error === undefined && (listing.rows.length > 0 || listing.hasMore) && (
        <FoundFoot listing={listing} what="found" />
      )}
      {contains !== '' && (
        <Command request={{ type: 'find', contains, destination, ...pointQuery(draft.value.point) }} />
      )}
    </LookPage>
  );
}
