import { computed, signal } from '@preact/signals';
import type { Permission, StoreAction } from '@securestore/acl';
import type { ConsoleSession, ConsoleSettings, OidcStart } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { ask, get, isApiError, useCsrf } from './api.ts';
import { atEnd, end, ended } from './ending.ts';
import { follow, tell } from './session-watch.ts';

/** Who is signed in; `undefined` before that is known. */
export const session = signal<ConsoleSession | null | undefined>(undefined);
export const settings = signal<ConsoleSettings | undefined>(undefined);

/** Whether somebody is signed in: what the server says at the next request counts all the same. */
export const isSignedIn = computed(() => session.value !== null && session.value !== undefined);

atEnd(() => (session.value = null));

function begin(found: ConsoleSession): void {
  follow(found);
  useCsrf(found.csrf);
  ended.value = undefined;
  session.value = found;
}

/** Finds out who is signed in, as after the page was loaded anew. @throws ApiError */
export async function findSession(): Promise<void> {
  settings.value ??= await get<ConsoleSettings>(CONSOLE_PATHS.settings);
  try {
    begin(await get<ConsoleSession>(CONSOLE_PATHS.session));
    // Another tab may show what was of the session before this one.
    tell('look');
  } catch (error) {
    if (!isApiError(error, 'UNAUTHENTICATED')) throw error;
    session.value = null;
  }
}

/** @throws ApiError */
export async function signIn(token: string): Promise<void> {
  const found = await ask<ConsoleSession>('POST', CONSOLE_PATHS.session, { body: { token } });
  // The browser has one session, and this one took its place.
  tell('ended');
  begin(found);
}

/** Goes to where a provider asks who somebody is. @throws ApiError */
export async function signInWith(provider: string): Promise<void> {
  const { url } = await ask<OidcStart>('POST', CONSOLE_PATHS.oidc, { body: { provider } });
  location.assign(url);
}

/** Ends the session: in all tabs at once, and at the server. If the server can't be told, the page says so. */
export async function signOut(): Promise<void> {
  const told = ask('DELETE', CONSOLE_PATHS.session, { outlives: true });
  tell('ended');
  end();
  try {
    await told;
  } catch (error) {
    if (isApiError(error, 'UNAUTHENTICATED') || session.peek() !== null) return;
    ended.value =
      'This page has forgotten your session, but the server could not be told that it is over. Until it ends by itself, whoever opens this page in this browser is signed in as you. Open it again when the server can be reached, and sign out there.';
  }
}

/** What whoever is signed in may do with the store. */
export function permission(action: StoreAction): Permission {
  return session.value?.permissions[action] ?? 'denied';
}

/** Whether it may be tried: what takes a second person may be asked for. */
export function may(action: StoreAction): boolean {
  return permission(action) !== 'denied';
}
