import { computed, signal } from '@preact/signals';
import type { Permission, StoreAction } from '@securestore/acl';
import type { ConsoleSession, ConsoleSettings, OidcStart } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { ask, ended, get, isApiError, useCsrf } from './api.ts';

/** Who is signed in; `undefined` before that is known. */
export const session = signal<ConsoleSession | null | undefined>(undefined);
export const settings = signal<ConsoleSettings | undefined>(undefined);

/** Whether somebody is signed in: what the server says at the next request counts all the same. */
export const isSignedIn = computed(
  () => session.value !== null && session.value !== undefined && ended.value === undefined,
);

function begin(found: ConsoleSession): void {
  useCsrf(found.csrf);
  ended.value = undefined;
  session.value = found;
}

/** Finds out who is signed in, as after the page was loaded anew. @throws ApiError */
export async function findSession(): Promise<void> {
  settings.value ??= await get<ConsoleSettings>(CONSOLE_PATHS.settings);
  try {
    begin(await get<ConsoleSession>(CONSOLE_PATHS.session));
  } catch (error) {
    if (!isApiError(error, 'UNAUTHENTICATED')) throw error;
    session.value = null;
  }
}

/** @throws ApiError */
export async function signIn(token: string): Promise<void> {
  begin(await ask<ConsoleSession>('POST', CONSOLE_PATHS.session, { body: { token } }));
}

/** Goes to where a provider asks who somebody is. @throws ApiError */
export async function signInWith(provider: string): Promise<void> {
  const { url } = await ask<OidcStart>('POST', CONSOLE_PATHS.oidc, { body: { provider } });
  location.assign(url);
}

/** Ends the session, at the server too. @throws ApiError where that could not be told, and it lasts until it ends by itself */
export async function signOut(): Promise<void> {
  try {
    await ask('DELETE', CONSOLE_PATHS.session);
  } finally {
    useCsrf(undefined);
    session.value = null;
    ended.value = undefined;
    history.replaceState(null, '', '#/');
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
