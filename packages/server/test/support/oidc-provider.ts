import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { onTestFinished, vi } from 'vitest';

export const CLIENT = { id: 'vault', secret: 'a secret of the client, long enough' } as const;

/** An OpenID Connect provider of this process. */
export interface TestProvider {
  readonly issuer: string;
  /** Does what somebody does in a browser: goes there, signs in, consents. @returns where the provider sends the browser back to */
  readonly signIn: (url: string, login: string) => Promise<URL>;
}

async function listening(): Promise<{ readonly server: Server; readonly issuer: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { server, issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A provider that says this of itself, and nothing else. @returns its issuer */
export async function saying(document: (issuer: string) => object): Promise<string> {
  const { server, issuer } = await listening();
  server.on('request', (_, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document(issuer)));
  });
  return issuer;
}

/** Goes on as a browser does, with cookies, until it is sent elsewhere than to the provider. */
async function browse(issuer: string, start: string, login: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let next = new URL(start);
  for (let steps = 0; steps < 20; steps++) {
    if (next.origin !== issuer) return next;
    const isForm = next.pathname.startsWith('/interaction/');
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const page = isForm ? await (await fetch(next, { headers: { cookie }, redirect: 'manual' })).text() : '';
    const prompt = page.includes('name="login"') ? 'login' : 'consent';
    const answer = await fetch(next, {
      redirect: 'manual',
      headers: { cookie },
      ...(isForm && { method: 'POST', body: new URLSearchParams({ prompt, login, password: 'x' }) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1);
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = answer.headers.get('location');
    if (location === null) throw new Error(`the provider answers ${answer.status} at ${next.pathname}`);
    next = new URL(location, next);
  }
  throw new Error('the provider never sends anybody back');
}

/** @param redirect where the console is @param groups of somebody, by their name */
export async function oidcProvider(
  redirect: string,
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<TestProvider> {
  const { server, issuer } = await listening();
  // It says on the console that it is set up as for tests.
  for (const method of ['info', 'warn'] as const) {
    const spy = vi.spyOn(console, method).mockImplementation(() => undefined);
    onTestFinished(() => spy.mockRestore());
  }
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirect],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], groups: ['groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, groups: [...(groups[sub] ?? [])] }),
    }),
  });
  const handle = provider.callback();
  server.on('request', (request, response) => void handle(request, response));
  return { issuer, signIn: (url, login) => browse(issuer, url, login) };
}
