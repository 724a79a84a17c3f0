import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsoleSession } from '@securestore/protocol';
import { CONSOLE_HEADERS, CONSOLE_PATHS } from '@securestore/protocol';
import { onTestFinished } from 'vitest';
import type { Answer, Sent, World } from './world.ts';

/** A folder that looks like a console that was built. */
export async function builtConsole(
  files: Readonly<Record<string, string>> = {},
  onEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'console-'));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'assets'));
  const all = {
    'index.html': '<!doctype html><title>console</title><script type="module" src="assets/app-1a2b3c4d.js"></script>',
    'assets/app-1a2b3c4d.js': `export const text = ${JSON.stringify('x'.repeat(2000))};`,
    ...files,
  };
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text);
  return folder;
}

/** What a browser keeps: cookies, and what its page has in memory. */
export interface Browser {
  readonly origin: string;
  readonly cookies: Map<string, string>;
  csrf: string | undefined;
  /** Sends what the page of the console sends. */
  readonly send: (method: string, path: string, sent?: Sent & { readonly json?: unknown }) => Promise<Answer>;
  readonly signIn: (token: string) => Promise<Answer>;
}

/** Takes the cookies of an answer as a browser does. */
function keepCookies(cookies: Map<string, string>, { headers }: Answer): void {
  for (const line of headers['set-cookie'] ?? []) {
    const [pair = ''] = line.split(';', 1);
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (/max-age=0(;|$)/i.test(line)) cookies.delete(name);
    else cookies.set(name, value);
  }
}

/** A browser at the console of a server. */
export function browserAt({ send, port }: Pick<World, 'send' | 'port'>): Browser {
  const origin = `http://127.0.0.1:${port}`;
  const cookies = new Map<string, string>();
  const browser: Browser = {
    origin,
    cookies,
    csrf: undefined,
    async send(method, path, { json, headers, body, ...sent } = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await send(method, path, {
        ...sent,
        headers: {
          host: `127.0.0.1:${port}`,
          'sec-fetch-site': 'same-origin',
          ...(method === 'GET' ? {} : { origin }),
          ...(cookie !== '' && { cookie }),
          ...(browser.csrf !== undefined && { [CONSOLE_HEADERS.csrf]: browser.csrf }),
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: json === undefined ? body : JSON.stringify(json),
      });
      keepCookies(cookies, answer);
      return answer;
    },
    async signIn(token) {
      const answer = await browser.send('POST', CONSOLE_PATHS.session, { json: { token } });
      if (answer.status === 200) browser.csrf = (answer.json() as ConsoleSession).csrf;
      return answer;
    },
  };
  return browser;
}
