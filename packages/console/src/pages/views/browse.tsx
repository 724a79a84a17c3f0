import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { WireBrowsePage } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { change, draft, isChosen, momentQuery, pointQuery, toggled } from '../lib/draft.ts';
import { bytes, count } from '../lib/format.ts';
import { useListing } from '../lib/listing.ts';
import { amend, go, place } from '../lib/router.ts';
import { Badge, Button, Empty, Failure, Loading, Name } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { ChooseKey, Progress } from '../parts/name-rows.tsx';
import { LookPage } from '../parts/recover.tsx';
import { Rows } from '../parts/rows.tsx';
import type { Column } from '../parts/rows.tsx';
import { Search } from '../parts/search.tsx';
import { Time } from '../parts/time.tsx';

type Entry = WireBrowsePage['entries'][number];

const PAGE = 500;
/** More than any list of which somebody goes to the end. */
const ALL = 1_000_000;

/** The folder that a prefix is in, and what is left of it. */
function folderOf(prefix: string): readonly [folder: string, begin: string] {
  const at = prefix.lastIndexOf('/') + 1;
  return [prefix.slice(0, at), prefix.slice(at)];
}

/** The folders above, down to where somebody is. */
function Path({ prefix, onGo }: { readonly prefix: string; readonly onGo: (prefix: string) => void }): JSX.Element {
  const [folder] = folderOf(prefix);
  const names = folder.split('/').slice(0, -1);
  return (
    <nav class="path" aria-label="Folder">
      <ol>
        <li>
          <Button kind="quiet" onPress={() => onGo('')}>
            All keys
          </Button>
        </li>
        {names.map((name, at) => (
          <li key={at}>
            <Button kind="quiet" onPress={() => onGo(`${names.slice(0, at + 1).join('/')}/`)}>
              <Name of={name} />
            </Button>
          </li>
        ))}
      </ol>
    </nav>
  );
}

const columns = (
  folder: string,
  onOpen: (entry: Entry) => void,
  onToggle: (entry: Entry) => void,
): readonly Column<Entry>[] => [
  {
    title: 'Choose',
    class: 'pick',
    cell: (entry) =>
      entry.type === 'damaged' ? (
        <span aria-hidden="true">–</span>
      ) : (
        <ChooseKey of={entry.key} onToggle={() => onToggle(entry)} />
      ),
  },
  {
    title: 'Name',
    class: 'main',
    cell: (entry) => (
      <button type="button" class={`entry ${entry.type}`} tabIndex={-1} onClick={() => onOpen(entry)}>
        <Name of={entry.key.slice(folder.length)} />
      </button>
    ),
  },
  {
    title: 'Size',
    class: 'side number',
    cell: (entry) =>
      entry.type === 'object' ? (
        entry.size !== undefined && bytes(entry.size)
      ) : entry.type === 'damaged' ? (
        <Badge tone="bad">{entry.code}</Badge>
      ) : (
        'folder'
      ),
  },
  {
    title: 'Modified',
    class: 'side time',
    cell: (entry) => (entry.type === 'object' ? <Time of={entry.modified} /> : ''),
  },
];

/** The store as it was, folder by folder. */
export function BrowseView(): JSX.Element {
  const prefix = place.value.state.prefix ?? '';
  const [folder, begin] = folderOf(prefix);
  const [typed, setTyped] = useState(begin);
  const [isSorted, setSorted] = useState(true);
  const [preview, setPreview] = useState<readonly Entry[]>([]);
  const { destination, chosen } = draft.value;
  const moment = momentQuery(draft.value);
  const key = destination === undefined ? undefined : JSON.stringify([moment, prefix]);
  const listing = useListing<Entry>(key, async (after, signal) => {
    const page = await get<WireBrowsePage>(
      '/v1/recovery-points/browse',
      { ...moment, prefix, after, limit: PAGE },
      { signal },
    );
    setSorted(page.isSorted);
    if (after === undefined) setPreview(page.preview ?? []);
    return { items: page.entries, after: page.after, progress: page.progress };
  });

  const isReading = listing.rows.length === 0 && listing.isLoading;
  const rows = isReading && listing.progress > 0 ? preview : listing.rows;

  const enter = (to: string): void => {
    setTyped('');
    go('/recover/browse', { prefix: to });
  };
  const open = (entry: Entry): void => {
    if (entry.type === 'folder') enter(entry.key);
    else if (entry.type === 'object') go('/recover/key', { key: entry.key });
  };
  const toggle = (entry: Entry): void => {
    if (entry.type !== 'damaged') change({ chosen: toggled(chosen, entry.key) });
  };

  return (
    <LookPage title="Browse">
      <Path prefix={prefix} onGo={enter} />
      <Search
        label="Names here that begin with"
        value={typed}
        action="Show"
        onInput={setTyped}
        onSubmit={() => amend({ prefix: `${folder}${typed}` })}
        onClear={() => begin !== '' && amend({ prefix: folder })}
      >
        {folder !== '' && (
          <Button
            kind="plain"
            pressed={chosen.type === 'prefix' && chosen.prefix === folder}
            onPress={() => change({ chosen: toggled(chosen, folder) })}
          >
            Choose all of this folder
          </Button>
        )}
      </Search>
      {listing.error !== undefined && <Failure error={listing.error} onRetry={listing.reload} />}
      {isReading && (
        <>
          {rows.length === 0 && <Loading isSlow={listing.isSlow} what="what was there" />}
          {listing.progress > 0 && (
            <p class="rows-foot">
              <span>
                This folder is large: its names are read, and then sorted. {rows.length > 0 && 'Some of them:'}
              </span>
              <Progress of={listing.progress} what="How much of the folder is read" />
            </p>
          )}
        </>
      )}
      {listing.rows.length === 0 && !listing.isLoading && listing.error === undefined && (
        <Empty title={begin === '' ? 'Nothing was here then' : `No name here begins with “${begin}”`}>
          <p>
            {begin === ''
              ? 'Try another moment. What you may not see is not shown.'
              : 'Capital and small letters differ here. Find a key looks for any part of a name.'}
          </p>
        </Empty>
      )}
      {!isSorted && (
        <p class="hint">
          This folder is too large to be sorted: names come in an order of their own. Type how a name begins to get to
          it.
        </p>
      )}
      {rows.length > 0 && (
        <>
          <Rows
            label="What was there"
            rows={rows}
            columns={columns(folder, open, toggle)}
            keyOf={(entry) => `${entry.type} ${entry.key}`}
            hasMore={!isReading && listing.hasMore}
            onNearEnd={() => listing.more()}
            onEnd={() => listing.more(ALL)}
            onOpen={open}
            onToggle={toggle}
            isSelected={(entry) => isChosen(chosen, entry.key)}
            resetKey={key ?? ''}
          />
          <p class="rows-foot" aria-live="polite">
            {!isReading && (
              <span>
                {count(listing.rows.length)} {listing.hasMore ? 'so far' : 'in all'}
                {isSorted && listing.rows.length > 1 ? ', sorted by name' : ''}
                {listing.hasMore ? (listing.isLoading ? ', loading more…' : '; more load as you scroll') : ''}.
              </span>
            )}
            {listing.rows.some((entry) => entry.type === 'object' && entry.size === undefined) && (
              <span>In a folder this large sizes are left out: open a key to see its size.</span>
            )}
            <span class="shortcuts">
              <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> opens, <kbd>Space</kbd> chooses.
            </span>
          </p>
        </>
      )}
      <Command
        request={{ type: 'browse', destination, ...pointQuery(draft.value.point), ...(prefix !== '' && { prefix }) }}
      />
    </LookPage>
  );
}
