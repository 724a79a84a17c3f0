import type { ConsoleSession } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { get, isApiError, unreadable } from './api.ts';
import { atEnd, end } from './ending.ts';

/** How often the page asks whether its session is still there, in milliseconds. */
const EVERY = 60_000;

/** Between the tabs of a browser, which have one session together. It says nothing of that session. */
type Message = 'ended' | 'look';
const tabs = new BroadcastChannel('securestore-session');

const ENDED_ELSEWHERE = 'Your session was ended in another tab or window.';

let csrf: string | undefined;
/** Until when the session lasts if nobody asks anything, by the clock of this machine. */
let until = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Tells the other tabs that the session has ended, or to look whether theirs has. */
export function tell(message: Message): void {
  tabs.postMessage(message); // oxlint-disable-line unicorn/require-post-message-target-origin -- a channel reaches its own origin alone
}

/** Ends the session in this page when it ends: at its time, at the server, or in another tab. @throws ApiError if the answer is no session */
export function follow(session: ConsoleSession): void {
  check(session);
  csrf = session.csrf;
  lasts(session.left);
}

function check({ csrf: token, left, permissions }: Partial<ConsoleSession>): void {
  if (typeof token !== 'string' || typeof left !== 'number' || typeof permissions !== 'object') throw unreadable();
}

function lasts(left: number): void {
  until = Date.now() + left;
  wait();
}

function wait(): void {
  clearTimeout(timer);
  // A moment after it, so that the server is asked when it is over there.
  timer = setTimeout(() => void look(), Math.min(EVERY, Math.max(0, until - Date.now()) + 1000));
}

/** Asks whether the session is still there. A page that nobody sees asks only when it should be over. */
async function look(isTold = false): Promise<void> {
  const asked = csrf;
  if (asked === undefined) return;
  const isDue = Date.now() >= until;
  if (document.visibilityState === 'hidden' && !isDue && !isTold) return wait();
  try {
    const found = await get<ConsoleSession>(CONSOLE_PATHS.session, {}, { unattended: true });
    if (csrf !== asked) return;
    check(found);
    if (found.csrf === asked) lasts(found.left);
    else end(ENDED_ELSEWHERE);
  } catch (error) {
    if (csrf !== asked) return;
    if (isApiError(error, 'ACCESS_DENIED')) end('Your session has ended: you may not use this store any more.');
    else if (isDue) end('Your session has ended. Sign in again; what runs at the server goes on.');
    else wait();
  }
}

atEnd(() => {
  // A page that nobody is signed in to has nothing that others would not know.
  if (csrf !== undefined) tell('look');
  csrf = undefined;
  clearTimeout(timer);
});

tabs.addEventListener('message', ({ data }: MessageEvent<Message>) => {
  if (csrf === undefined) return;
  if (data === 'ended') end(ENDED_ELSEWHERE);
  else void look(true);
});

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void look();
});
