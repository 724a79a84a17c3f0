import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { ServeOptions } from '../commands/serve.ts';

/** Options under a heading of their own in the help. */
const inGroup = (heading: string, ...options: readonly Option[]): Option[] =>
  options.map((option) => option.helpGroup(heading));

function serveOptions(): Option[] {
  return [
    new Option('--host <address>', 'the address to listen on').default('127.0.0.1'),
    new Option('--port <number>', 'the port to listen on').default('8420'),
    new Option('--tls-cert <file>', 'the certificate of the server with its intermediate certificates, in PEM'),
    new Option('--tls-key <file>', 'the key of the certificate, in PEM'),
    new Option('--behind-proxy', 'a proxy terminates TLS, and only the proxy can reach the address'),
    ...inGroup(
      'Signing in:',
      new Option(
        '--tls-client-ca <file>',
        'authorities whose certificates clients may present instead of a token, in PEM',
      ),
      new Option('--oidc <file>', 'a JSON file about an issuer whose tokens are accepted; may be repeated').argParser(
        collect,
      ),
    ),
    ...inGroup(
      'Console:',
      new Option('--no-console', 'serve no console, even if @securestore/console is installed').default(undefined),
      new Option(
        '--console-origin <url>',
        'the URL of the server for browsers, such as https://vault.example.com, if a proxy changes the Host of requests',
      ),
    ),
    ...inGroup(
      'Operation:',
      new Option(
        '--workers <number>',
        'how many processes answer requests about objects, 1 to 64; by default as many as processors, at most 4, and as memory has room for (or $SECURESTORE_WORKERS)',
      ),
      new Option(
        '--follow-to <url>',
        'a store URL that the store may be migrated to while it is served; may be repeated',
      ).argParser(collect),
      new Option('--limit <name=number>', 'change one of the limits of the server; may be repeated').argParser(collect),
      new Option('--log-requests', 'a line on stdout for each request, without the keys of objects'),
    ),
  ];
}

/** Adds what serves a store to others. */
export function addServeVerb(program: Command, run: Run): void {
  program.commandsGroup('Serving:');
  addVerb<ServeOptions, []>(program, run, {
    usage: 'serve',
    summary: 'serve the store over HTTP or HTTPS to principals, with the permissions of their roles',
    options: serveOptions(),
    notes: `A client needs an API token (securestore token new), or a token of an issuer of --oidc. Roles decide what it may do. Without
credentials there is only /healthz. The process of the server has the unlock secret of the store, and may do everything.

TLS is needed on an address that other machines can reach. The key of the certificate may be a credential of systemd:
--tls-key "$CREDENTIALS_DIRECTORY/tls-key". SIGTERM or an interrupt stops the server after the requests in progress.

With several workers the process itself has jobs, the console and the administration; limits and metrics are those of all
processes together. A worker that dies or hangs is replaced.

If the unlock secret of the store is replaced, write the new one into the file that the server reads: it is read again. If
the store is migrated, the server continues at a store URL of --follow-to, or ends and prints the new store URL.

An --oidc file: { "name": "corp", "keys": "https://login.example.com/jwks", "issuer": "https://login.example.com",
"audience": "vault", "algorithms": ["RS256"], "roles": { "claim": "groups", "map": { "db-team": "db-reader" } } }

The console, pages for browsing and restoring, is at /console/ if @securestore/console is installed. People sign in there
with a token, or with the provider of an --oidc file that has
"console": { "redirect": "https://vault.example.com/console/oidc/callback", "clientSecretFile": "/etc/securestore/oidc" }
or its client secret as the credential oidc-NAME of systemd. The audience is the client ID.`,
    examples: ['securestore serve', 'securestore serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key'],
    load: async () => (await import('../commands/serve.ts')).serve,
  });
}
