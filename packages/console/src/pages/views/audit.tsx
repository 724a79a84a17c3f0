import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TrailExamination } from '@securestore/audit';
import type { AuditEntry } from '@securestore/core-format';
import { ask, get } from '../lib/api.ts';
import { count, counted } from '../lib/format.ts';
import { useListing } from '../lib/listing.ts';
import { Badge, Button, Empty, Failure, Field, Loading, Name, Notice, Panel } from '../parts/basics.tsx';
import type { Tone } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { Page } from '../parts/page.tsx';
import { Time } from '../parts/time.tsx';

/** As it travels: the hash of a name is hexadecimal. */
interface Entry extends Omit<AuditEntry, 'object'> {
  readonly segment: string;
  readonly object?: { readonly hash: string } | { readonly name: string };
}

interface EntriesPage {
  readonly entries: readonly Entry[];
  readonly before?: string;
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
          title={found.ok ? 'Nothing is wrong with what was looked at' : counted(found.problems.length, 'problem')}
        >
          <p>
            {counted(found.parts, 'part')} of {counted(found.segments, 'segment')} read
            {found.complete ? ', which is all there is' : '; there is more'}.
          </p>
          {found.problems.length > 0 && (
            <ul>
              {found.problems.map((problem) => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          )}
        </Notice>
      )}
      <p class="muted small">
        The server sees whether parts are missing, out of order or damaged, and whether the log ends where the head of
        the store says. Whether somebody who runs the store has written entries anew, only the identity of the auditor
        shows: it never comes here. Use <code>securestore audit verify</code> where the auditor has it.
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

export function AuditView(): JSX.Element {
  const [typed, setTyped] = useState('');
  const [about, setAbout] = useState('');
  const [withKeys, setWithKeys] = useState(false);
  const listing = useListing<Entry>(
    JSON.stringify([about, withKeys]),
    async (before, signal) => {
      const query = { entries: PAGE, before, ...(about !== '' && { object: about }) };
      const page = await get<EntriesPage>('/v1/audit/entries', query, { signal });
      const shown = page.entries.filter(({ action }) => withKeys || !action.startsWith('key.'));
      return { items: shown.toReversed(), after: page.before, progress: 0 };
    },
    PAGE,
  );
  const isOff = listing.error?.code === 'UNSUPPORTED';
  return (
    <Page title="Audit" lead="Who tried what, and what became of it.">
      {!isOff && <Verify />}
      <Panel
        title="Entries"
        aside={
          <Button kind="quiet" onPress={listing.reload}>
            Look again
          </Button>
        }
      >
        <form
          class="search"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            setAbout(typed);
          }}
        >
          <Field
            label="Only about this key"
            hint="The whole name, or a prefix that was listed. The log has keyed hashes of names."
          >
            {({ id, describedBy }) => (
              <input
                id={id}
                aria-describedby={describedBy}
                type="search"
                value={typed}
                maxLength={1024}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
            )}
          </Field>
          <Button type="submit">Show</Button>
        </form>
        <label class="check-line">
          <input type="checkbox" checked={withKeys} onChange={(event) => setWithKeys(event.currentTarget.checked)} />
          <span class="label">How often keys were used as well</span>
        </label>
        {isOff ? (
          <Empty title="This store is not audited">
            <p>
              Nobody will know who did what. <code>securestore audit enable</code> has it recorded.
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
          <div class="table" tabIndex={0} role="region" aria-label="Entries, a table">
            <table>
              <caption>The newest first.</caption>
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">Who</th>
                  <th scope="col">What</th>
                  <th scope="col">On</th>
                  <th scope="col">Outcome</th>
                </tr>
              </thead>
              <tbody>
                {listing.rows.map((entry) => (
                  <tr key={`${entry.segment} ${entry.sequence}`}>
                    <td>
                      <Time of={entry.time} />
                    </td>
                    <td class="wrap">{entry.principal}</td>
                    <td>
                      <code>{entry.action}</code>
                    </td>
                    <td>
                      <ObjectOf entry={entry} />
                    </td>
                    <td class="reason">
                      <Badge tone={TONES[entry.outcome] ?? 'neutral'}>{entry.outcome}</Badge>{' '}
                      {entry.reason !== '' && <span class="muted wrap">{entry.reason}</span>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {listing.rows.length > 0 && (
          <p class="rows-foot" aria-live="polite">
            {count(listing.rows.length)} shown.{' '}
            {listing.hasMore && <Button onPress={() => listing.more()}>Older ones</Button>}
          </p>
        )}
        <Command request={{ type: 'audit' }} />
      </Panel>
    </Page>
  );
}
