import type { JSX } from 'preact';
import type { StoreAction } from '@securestore/acl';
import { now } from '../lib/clock.ts';
import { localClock, utcTime, zoneOf } from '../lib/format.ts';
import { place } from '../lib/router.ts';
import { isSignedIn, may, session, signOut } from '../lib/session.ts';
import { theme, THEMES } from '../lib/theme.ts';
import type { Theme } from '../lib/theme.ts';
import { Button, Link } from './basics.tsx';

/** Parts of the pages, with what one must be allowed to see them; without, everybody. */
const PARTS: readonly { readonly to: string; readonly title: string; readonly actions?: readonly StoreAction[] }[] = [
  { to: '/', title: 'Overview' },
  { to: '/recover', title: 'Recover', actions: ['backup.view'] },
  { to: '/approvals', title: 'Approvals' },
  { to: '/backups', title: 'Backups', actions: ['backup.view', 'backup'] },
  { to: '/audit', title: 'Audit', actions: ['audit.view'] },
  { to: '/keys', title: 'Keys', actions: ['keys.view'] },
];

const isPart = (to: string, path: string): boolean => path === to || (to !== '/' && path.startsWith(`${to}/`));

function Clock(): JSX.Element {
  const time = new Date(now.value);
  const zone = zoneOf(time);
  return (
    <span class="clock">
      {localClock(time)} <span class="zone">{zone}</span>
      {zone !== 'UTC' && <span class="muted"> {utcTime(time).slice(11)} UTC</span>}
    </span>
  );
}

function ThemeSwitch(): JSX.Element {
  return (
    <label class="theme">
      <span class="hidden">Colours</span>
      <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {one === 'system' ? 'Auto' : one === 'light' ? 'Light' : 'Dark'}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Header(): JSX.Element {
  const who = session.value;
  return (
    <header class="top">
      <div class="top-line">
        <span class="brand">securestore</span>
        {isSignedIn.value && who != null && (
          <span class="store" title={`The identity of the store is ${who.fingerprint}`}>
            {location.host} <code>{who.fingerprint.slice(0, 8)}</code>
          </span>
        )}
        <span class="grow" />
        <Clock />
        <ThemeSwitch />
        {isSignedIn.value && who != null && (
          <span class="who">
            <span class="principal" title={who.principal}>
              {who.principal}
            </span>
            <Button kind="quiet" onPress={signOut}>
              Sign out
            </Button>
          </span>
        )}
      </div>
      {isSignedIn.value && (
        <nav aria-label="Parts">
          <ul>
            {PARTS.filter(({ actions }) => actions === undefined || actions.some(may)).map(({ to, title }) => (
              <li key={to}>
                <Link to={to} current={isPart(to, place.value.path)}>
                  {title}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
      )}
    </header>
  );
}
