import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TrailExamination } from '@securestore/audit';
import type { AuditEntry } from '@securestore/core-format';
import { ask, get } from '../lib/api.ts';
import { count, counted } from '../lib/format.ts';
import { useListing } from '../lib/listing.ts';
import { Badge, Button, Empty, Failure, Loading, Name, Notice, Panel } from '../parts/basics.tsx';
import type { Tone } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { Page } from '../parts/page.tsx';
import { Search } from '../parts/search.tsx';
import { Table } from '../parts/table.tsx';
import type { TableColumn } from '../parts/table.tsx';
import { Time } from '../parts/time.tsx';

/** As it travels: the hash of a name is hexadecimal. */
interface Entry extends Omit<AuditEntry, 'object'> {
  readonly segment: string;
  readonly object?: { readonly hash: string } | { readonly name: string };
}

interface EntriesPage {
  readonly entries: readonly Entry[];
  readonly before?: string;
  /** Which older ones may be missing, and why. */
  readonly cut?: string;
}

const PAGE = 50;
const TONES: Readonly<Record<string, Tone>> = { allowed: 'ok', denied: 'bad', failed: 'warn' };

function Verify(): JSX.Element {
  const [found, setFound] = useState<TrailExamination>();
  const look = async (): Promise<void> => setFound(await ask<TrailExamination>('POST', '/v1/audit/examine'));
  return (
    <Panel
      title="Is it whole?"
      aside={
        <Button kind="primary" onPress={look}>
          {found === undefined ? 'Verify' : 'Verify again'}
        </Button>
      }
    >
      {found !== undefined && (
        <Notice
          tone={found.ok ? 'ok' : 'bad'}
          title={found.ok ? 'Nothing is wrong with what was looked at' : counted(found.findings.length, 'problem')}
        >
          <p>
            {counted(found.parts, 'part')} of the log read, the newest first
            {found.complete ? ': that is all of it' : '. There are older ones'}.
          </p>
          {found.findings.length > 0 && (
            <ul>
              {found.findings.map((problem) => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          )}
        </Notice>
      )}
      <p class="muted small">
        This shows whether parts of the log are missing, out of order, damaged or cut off. Whether somebody who runs the
        store has rewritten entries, only <code>securestore audit verify --auditor-identity FILE</code> shows, with the
        auditor’s identity.
      </p>
      <Command request={{ type: 'audit-examine' }} />
    </Panel>
  );
}

function ObjectOf({ entry: { object } }: { readonly entry: Entry }): JSX.Element {
  if (object === undefined) return <span class="muted">–</span>;
  if ('name' in object) return <Name of={object.name} />;
  return (
    <code class="muted" title={`the keyed hash of the name is ${object.hash}`}>
      {object.hash.slice(0, 12)}…
    </code>
  );
}

const COLUMNS: readonly TableColumn<Entry>[] = [
  { title: 'Time', cell: ({ time }) => <Time of={time} /> },
  { title: 'Who', class: 'wrap', cell: ({ principal }) => <bdi>{principal}</bdi> },
  { title: 'What', cell: ({ action }) => <code>{action}</code> },
  { title: 'On', cell: (entry) => <ObjectOf entry={entry} /> },
  {
    title: 'Outcome',
    class: 'reason',
    cell: ({ outcome, reason }) => (
      <>
        <Badge tone={TONES[outcome] ?? 'neutral'}>{outcome}</Badge>{' '}
        {reason !== '' && <bdi class="muted wrap">{reason}</bdi>}
      </>
    ),
  },
];

export function AuditView(): JSX.Element {
  const [typed, setTyped] = useState('');
  const [about, setAbout] = useState('');
  const [withKeys, setWithKeys] = useState(false);
  const [cut, setCut] = useState<string>();
  const listing = useListing<Entry>(
    JSON.stringify([about, withKeys]),
    async (before, signal) => {
      const query = { entries: PAGE, before, ...(about !== '' && { object: about }) };
      const page = await get<EntriesPage>('/v1/audit/entries', query, { signal });
      setCut(page.cut);
      const shown = page.entries.filter(({ action }) => withKeys || !action.startsWith('key.'));
      return { items: shown.toReversed(), after: page.before, progress: 0 };
    },
    { ahead: PAGE },
  );
  const isOff = listing.error?.code === 'UNSUPPORTED';
  return (
    <Page title="Audit" lead="Who tried what, and what became of it.">
      {!isOff && <Verify />}
      <Panel
        title="Entries"
        aside={
          <Button kind="quiet" onPress={listing.reload}>
            Reload
          </Button>
        }
      >
        <Search
          label="Only about this key"
          hint="The whole name of a key, or of a folder that was looked at."
          value={typed}
          action="Show"
          onInput={setTyped}
          onSubmit={() => setAbout(typed)}
          onClear={() => setAbout('')}
        />
        <label class="check-line">
          <input
            type="checkbox"
            autocomplete="off"
            checked={withKeys}
            onChange={(event) => setWithKeys(event.currentTarget.checked)}
          />
          <span class="label">Also how often keys were used</span>
        </label>
        {isOff ? (
          <Empty title="This store is not audited">
            <p>
              Nobody can tell later who did what. <code>securestore audit on --auditor RECIPIENT</code> has it recorded.
            </p>
          </Empty>
        ) : (
          listing.error !== undefined && <Failure error={listing.error} onRetry={listing.reload} />
        )}
        {listing.rows.length === 0 && listing.isLoading && <Loading isSlow={listing.isSlow} what="entries" />}
        {listing.rows.length === 0 && !listing.isLoading && listing.error === undefined && (
          <Empty title="There are no entries">Nothing was recorded{about === '' ? ' yet' : ' about it'}.</Empty>
        )}
        {listing.rows.length > 0 && (
          <Table
            label="Entries"
            caption="The newest first."
            columns={COLUMNS}
            rows={listing.rows}
            keyOf={({ segment, sequence }) => `${segment} ${sequence}`}
          />
        )}
        {cut !== undefined && listing.error === undefined && (
          <Notice tone="warn" title="Older entries may be missing here">
            <p>{cut}</p>
          </Notice>
        )}
        {listing.rows.length > 0 && (
          <p class="rows-foot" aria-live="polite">
            {count(listing.rows.length)} shown.{' '}
            {listing.hasMore && <Button onPress={() => listing.more()}>Older ones</Button>}
          </p>
        )}
        <Command request={{ type: 'audit', ...(about !== '' && { object: about }) }} />
      </Panel>
    </Page>
  );
}
