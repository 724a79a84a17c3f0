import type { JSX } from 'preact';
import type { WireKeyTimeline } from '@securestore/protocol';
import { get } from '../lib/api.ts';
import { change, draft, isChosen, isCovered, toggled } from '../lib/draft.ts';
import { bytes, duration } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { go, place } from '../lib/router.ts';
import { Badge, Button, Copy, Empty, Failure, Link, Loading, Notice, Panel } from '../parts/basics.tsx';
import { Command } from '../parts/command.tsx';
import { LookPage } from '../parts/recover.tsx';
import { Time } from '../parts/time.tsx';
import { AuditedNotice, pathOf, Value } from '../parts/value.tsx';

type Version = WireKeyTimeline['versions'][number];

const STATES: Readonly<Record<Version['state'], string>> = { there: 'stored', deleted: 'deleted', purged: 'purged' };

/** Whether a version is the one at the moment that is looked at. */
function isThen({ from, to }: Version, time: number): boolean {
  return new Date(from).getTime() <= time && (to === undefined || time < new Date(to).getTime());
}

function VersionValue({ name, version }: { readonly name: string; readonly version: Version }): JSX.Element | null {
  const { destination } = draft.value;
  if (version.state !== 'there') return null;
  const label = `of ${version.from}`;
  if (version.inStore) {
    return (
      <Value
        path={`/v1/objects/${pathOf(name)}`}
        query={{ version: version.version }}
        file={{ type: 'object', key: name, version: version.version }}
        details={{ path: `/v1/info/${pathOf(name)}`, query: { version: version.version }, isOfBackup: false }}
        size={version.size}
        label={label}
      />
    );
  }
  if (version.snapshot === undefined || destination === undefined)
    return <p class="muted small">Its data is not kept any more.</p>;
  const path = `/v1/recovery-points/objects/${pathOf(name)}`;
  // The snapshot may hold it as an older version than its current one.
  const which = { destination, snapshot: version.snapshot, version: version.version };
  return (
    <Value
      path={path}
      query={which}
      file={{ type: 'object', key: name, ...which }}
      details={{ path, query: which, isOfBackup: true }}
      size={version.size}
      label={label}
    />
  );
}

/** One version on the way of a key, newest first. */
function VersionItem({
  name,
  version,
  isMeant,
  isOldest,
}: {
  readonly name: string;
  readonly version: Version;
  readonly isMeant: boolean;
  readonly isOldest: boolean;
}): JSX.Element {
  const { state, from, to, size } = version;
  const begun = new Date(from).getTime();
  const isGone = state !== 'there';
  const before = (): void => {
    change({ point: { at: new Date(begun - 1).toISOString() } });
    go('/recover/browse', { prefix: name.slice(0, name.lastIndexOf('/') + 1) });
  };
  return (
    <li class={`version ${state}${isMeant ? ' meant' : ''}`}>
      <div class="version-head">
        <Badge tone={isGone ? 'bad' : to === undefined ? 'ok' : 'neutral'}>
          {to === undefined && !isGone ? 'current' : STATES[state]}
        </Badge>
        <Time of={from} />
        <span class="muted">
          {to === undefined ? 'until now' : `for ${duration(new Date(to).getTime() - begun)}`}
          {size !== undefined && `, ${bytes(size)}`}
          {version.inStore
            ? ', kept in the store'
            : version.snapshot === undefined
              ? ''
              : `, in snapshot ${version.snapshot}`}
        </span>
        {isMeant && <Badge tone="accent">at your moment</Badge>}
      </div>
      <div class="version-tools">
        <VersionValue name={name} version={version} />
        {!isOldest && (
          <Button kind="quiet" label={`Go to the moment before this version of ${from}`} onPress={before}>
            Go to the moment before this
          </Button>
        )}
      </div>
    </li>
  );
}

/** A key across time. */
export function KeyView(): JSX.Element {
  const name = place.value.state.key;
  const { destination, point, chosen } = draft.value;
  const asked = name === undefined || destination === undefined ? undefined : JSON.stringify([name, destination]);
  const { value, error, isSlow, reload } = useResource(asked, (request) =>
    get<WireKeyTimeline>(`/v1/recovery-points/versions/${pathOf(name ?? '')}`, { destination }, request),
  );
  if (name === undefined) {
    return (
      <LookPage title="A key">
        <Empty title="No key is chosen">
          <Link to="/recover/find" isButton>
            Find a key
          </Link>
        </Empty>
      </LookPage>
    );
  }
  const shown = point.at ?? point.time;
  const time = shown === undefined ? Date.now() : new Date(shown).getTime();
  const meant = value?.versions.find((version) => isThen(version, time));
  const isPicked = isChosen(chosen, name);
  return (
    <LookPage title="A key across time">
      <Panel
        title="Versions"
        aside={
          <Button
            pressed={isPicked}
            disabled={isCovered(chosen, name)}
            onPress={() => change({ chosen: toggled(chosen, name) })}
          >
            {isCovered(chosen, name) ? 'Already chosen' : isPicked ? 'Chosen' : 'Choose this key'}
          </Button>
        }
      >
        <p class="key-name">
          <code>{name}</code> <Copy text={name} what="name" />
        </p>
        <AuditedNotice />
        {error !== undefined && <Failure error={error} onRetry={reload} />}
        {value === undefined && error === undefined && <Loading isSlow={isSlow} what="its versions" />}
        {value?.versions.length === 0 && (
          <Empty title="Nothing is known of this key">
            <p>Neither the store nor the backup has a version of it.</p>
          </Empty>
        )}
        {value !== undefined && value.versions.length > 0 && (
          <ol class="versions">
            {value.versions.map((version, at) => (
              <VersionItem
                key={`${version.version} ${version.from}`}
                name={name}
                version={version}
                isMeant={version === meant}
                isOldest={at === value.versions.length - 1 && !value.hasMore}
              />
            ))}
          </ol>
        )}
        {value?.since !== undefined && (
          <p class="muted small">
            Known since <Time of={value.since} />.
          </p>
        )}
        {value?.hasMore === true && (
          <Notice>Only the newest thirty moments were looked through; there may be older versions.</Notice>
        )}
        <Command request={{ type: 'versions', key: name, destination }} />
      </Panel>
    </LookPage>
  );
}
