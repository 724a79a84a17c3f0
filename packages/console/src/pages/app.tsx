import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { announcement } from './lib/announce.ts';
import type { ApiError } from './lib/api.ts';
import { asApiError } from './lib/api.ts';
import { place } from './lib/router.ts';
import { findSession, isSignedIn, session } from './lib/session.ts';
import { Button, Empty, Failure, Link, Loading } from './parts/basics.tsx';
import { Boundary } from './parts/boundary.tsx';
import { Header } from './parts/header.tsx';
import { Page } from './parts/page.tsx';
import { ApprovalsView } from './views/approvals.tsx';
import { AuditView } from './views/audit.tsx';
import { BackupsView } from './views/backups.tsx';
import { BrowseView } from './views/browse.tsx';
import { CompareView } from './views/compare.tsx';
import { FindView } from './views/find.tsx';
import { KeyView } from './views/key.tsx';
import { KeysView } from './views/keys.tsx';
import { OverviewView } from './views/overview.tsx';
import { PlanView } from './views/plan.tsx';
import { PointView } from './views/point.tsx';
import { RunView } from './views/run.tsx';
import { SignInView } from './views/sign-in.tsx';

/** What is where. */
const VIEWS: Readonly<Record<string, () => JSX.Element>> = {
  '/': OverviewView,
  // Where a provider sends those back who were not let in; whoever is signed in has nothing to do there.
  '/sign-in': OverviewView,
  '/recover': PointView,
  '/recover/browse': BrowseView,
  '/recover/find': FindView,
  '/recover/key': KeyView,
  '/recover/compare': CompareView,
  '/recover/plan': PlanView,
  '/recover/run': RunView,
  '/approvals': ApprovalsView,
  '/backups': BackupsView,
  '/audit': AuditView,
  '/keys': KeysView,
};

function NotFoundView(): JSX.Element {
  return (
    <Page title="There is no such page">
      <Empty title="Nothing is here">
        <Link to="/" isButton>
          Go to the overview
        </Link>
      </Empty>
    </Page>
  );
}

/** Finds out who is signed in, before anything else. */
function Beginning(): JSX.Element {
  const [error, setError] = useState<ApiError>();
  const look = async (): Promise<void> => {
    setError(undefined);
    await findSession().catch((caught: unknown) => setError(asApiError(caught)));
  };
  useEffect(() => void look(), []);
  return (
    <main id="main" class="alone">
      <h1>securestore</h1>
      {error === undefined ? <Loading what="who is signed in" /> : <Failure error={error} />}
      {error !== undefined && <Button onPress={look}>Try again</Button>}
    </main>
  );
}

export function App(): JSX.Element {
  if (session.value === undefined) return <Beginning />;
  const View = isSignedIn.value ? (VIEWS[place.value.path] ?? NotFoundView) : SignInView;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          // An address after # is a place in the pages.
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1} class={isSignedIn.value ? undefined : 'alone'}>
        <Boundary key={place.value.path}>
          <View />
        </Boundary>
      </main>
      <div class="hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}
