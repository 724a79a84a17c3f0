import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import type { ServeOptions } from '../commands/serve.ts';

/** Adds what serves a store to others. */
export function addServeVerb(program: Command, run: Run): void {
  program.commandsGroup('Serving:');
  addVerb<ServeOptions, []>(program, run, {
    usage: 'serve',
    summary: 'serve the store over HTTP or HTTPS, to those who may use it by its roles',
    options: [
      new Option('--host <address>', 'the address to listen on').default('127.0.0.1'),
      new Option('--port <number>', 'the port to listen on').default('8420'),
      new Option('--tls-cert <file>', 'the certificate of the server with its intermediate certificates, in PEM'),
      new Option('--tls-key <file>', 'the key of the certificate, in PEM'),
      new Option(
        '--tls-client-ca <file>',
        'authorities whose certificates clients may bring in the place of a token, in PEM',
      ),
      new Option('--behind-proxy', 'a proxy terminates TLS, and nothing but the proxy reaches the address'),
      new Option('--oidc <file>', 'a JSON file about an issuer whose tokens are taken; may be repeated').argParser(
        collect,
      ),
      new Option('--follow-to <location>', 'where the store may move while it is served; may be repeated').argParser(
        collect,
      ),
      new Option('--no-console', 'serve no pages, though @securestore/console is installed').default(undefined),
      new Option(
        '--console-origin <url>',
        'where browsers find the server, such as https://vault.example.com, if a proxy changes the Host of requests',
      ),
      new Option('--limit <name=number>', 'another limit than the usual one; may be repeated').argParser(collect),
      new Option('--log-requests', 'a line on stdout for each request, without names of objects'),
    ],
    notes: `Whoever asks brings an API token (securestore token new), or a token of an issuer of --oidc; what they may do the roles say. Without
either there is nothing but /healthz. Whoever runs the server has the secret of the store, and may do everything.

An --oidc file: { "name": "corp", "keys": "https://login.example.com/jwks", "issuer": "https://login.example.com",
"audience": "vault", "algorithms": ["RS256"], "roles": { "claim": "groups", "map": { "db-team": "db-reader" } } }

The console, pages to look and to restore with, is at /console/ where @securestore/console is installed. People sign in there with
a token; or with the provider of an --oidc file, in which they stand as
"console": { "redirect": "https://vault.example.com/console/oidc/callback", "clientSecretFile": "/etc/securestore/oidc" }
or with the secret as the credential oidc-NAME of systemd. The audience is the client id.

On an address that others reach TLS is needed. The key of the certificate may be a credential of systemd:
--tls-key "$CREDENTIALS_DIRECTORY/tls-key". SIGTERM or an interrupt stops the server once what is under way has ended.

If the secret of the store is replaced, put the new one into the file that the server has its secret from: it is read again. If the store
moves, the server follows to what --follow-to names, or ends and says where the store is.

Examples:
  securestore serve
  securestore serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key`,
    load: async () => (await import('../commands/serve.ts')).serve,
  });
}
