import type { ComponentChildren, JSX } from 'preact';
import type { Chosen, Draft } from '../lib/draft-types.ts';
import { change, draft } from '../lib/draft.ts';
import { counted } from '../lib/format.ts';
import { place } from '../lib/router.ts';
import { Button, Empty, Link, Name } from './basics.tsx';
import { Page } from './page.tsx';
import { Time } from './time.tsx';

const STEPS: readonly { readonly title: string; readonly to: string; readonly paths: readonly string[] }[] = [
  { title: 'Moment', to: '/recover', paths: ['/recover'] },
  {
    title: 'Look and choose',
    to: '/recover/browse',
    paths: ['/recover/browse', '/recover/find', '/recover/key', '/recover/compare'],
  },
  { title: 'Plan', to: '/recover/plan', paths: ['/recover/plan'] },
  { title: 'Restore', to: '/recover/run', paths: ['/recover/run'] },
];

/** How far a recovery is. */
function Steps(): JSX.Element {
  const at = STEPS.findIndex(({ paths }) => paths.includes(place.value.path));
  return (
    <ol class="steps" aria-label="Steps of a recovery">
      {STEPS.map(({ title, to }, index) => (
        <li
          key={title}
          class={index < at ? 'done' : index === at ? 'current' : undefined}
          aria-current={index === at ? 'step' : undefined}
        >
          <span class="number" aria-hidden="true">
            {index + 1}
          </span>
          {index < at && at < 3 ? <Link to={to}>{title}</Link> : <span>{title}</span>}
        </li>
      ))}
    </ol>
  );
}

/** The moment that is looked at. */
export function RecoveryPointLocator({ of: { point, destination } }: { readonly of: Draft }): JSX.Element {
  return (
    <span class="moment">
      {point.at !== undefined && <Time of={point.at} />}
      {point.snapshot !== undefined && (
        <span>
          snapshot {point.snapshot}
          {point.time !== undefined && (
            <>
              , <Time of={point.time} />
            </>
          )}
        </span>
      )}
      {point.at === undefined && point.snapshot === undefined && <span>the newest moment</span>}
      {destination !== undefined && (
        <span class="muted">
          {' '}
          in <Name of={destination} />
        </span>
      )}
    </span>
  );
}

/** A page of a recovery. */
export function RecoverPage({
  title,
  lead,
  children,
}: {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <Page title={title} lead={lead}>
      <Steps />
      {children}
    </Page>
  );
}

const LOOKS = [
  { title: 'Browse', to: '/recover/browse' },
  { title: 'Find a key', to: '/recover/find' },
  { title: 'Differences', to: '/recover/compare' },
] as const;

/** A page that looks at the store as of a moment, to choose from. */
export function LookPage({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  if (draft.value.destination === undefined) {
    return (
      <RecoverPage title={title}>
        <Empty title="No moment is chosen yet">
          <Link to="/recover" isButton>
            Choose a moment
          </Link>
        </Empty>
      </RecoverPage>
    );
  }
  return (
    <RecoverPage
      title={title}
      lead={
        <>
          The store as of <RecoveryPointLocator of={draft.value} />. <Link to="/recover">Another moment</Link>
        </>
      }
    >
      <nav class="tabs" aria-label="Ways of looking">
        <ul>
          {LOOKS.map(({ title: name, to }) => (
            <li key={to}>
              <Link to={to} current={place.value.path === to}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      {children}
      <SelectionBar />
    </RecoverPage>
  );
}

/** What is chosen, in words. */
export function ChosenText({ chosen }: { readonly chosen: Chosen }): JSX.Element {
  if (chosen.type === 'nothing') return <span class="muted">Nothing is chosen yet</span>;
  if (chosen.type === 'everything') return <span>The whole store</span>;
  if (chosen.type === 'keys') {
    const [only = '', more] = chosen.keys;
    return <span>{more === undefined ? <Name of={only} /> : counted(chosen.keys.length, 'key')}</span>;
  }
  return (
    <span>
      All below <Name of={chosen.prefix} />
    </span>
  );
}

function SelectionBar(): JSX.Element {
  const { chosen } = draft.value;
  return (
    <div class="selection" role="region" aria-label="What is chosen">
      <div class="what" aria-live="polite">
        <ChosenText chosen={chosen} />
      </div>
      {chosen.type === 'nothing' ? (
        <Button onPress={() => change({ chosen: { type: 'everything' } })}>Choose the whole store</Button>
      ) : (
        <>
          <Button kind="quiet" onPress={() => change({ chosen: { type: 'nothing' } })}>
            Clear
          </Button>
          <Link to="/recover/plan" isButton>
            Plan the restore
          </Link>
        </>
      )}
    </div>
  );
}
