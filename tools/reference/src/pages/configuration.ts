import { ENVIRONMENT, SECRET_ORDER } from '../../../../packages/cli/src/options/environment-help.ts';
import { CONSOLE_SETTINGS, ISSUER_SETTINGS } from '../../../../packages/cli/src/store/issuer-file.ts';
import { CONFIG_NAMES, MAX_BYTES } from '../../../../packages/securestore/src/options/config.ts';
import { bytes } from '../text/amounts.ts';
import { code, definitions, fromPlain, list, page, section, table } from '../text/markdown.ts';
import { membersOf } from '../facts/tsdoc.ts';
import type { Member } from '../facts/tsdoc.ts';
import type { Variable } from '../facts/variables.ts';
import { ALERT_VARIABLES, BACKEND_VARIABLES, RUN_VARIABLES, TEST_VARIABLES } from '../facts/variables.ts';

/** The types of settings in words. */
const TYPES: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/^Naming$/, '`encrypted` or `plain`'],
  [/^1 \| 2$/, '1 or 2'],
  [/^Readonly<Record<string, readonly string\[\]>>$/, 'object of lists of texts'],
  [/^Readonly<Record<string, string>>$/, 'object of texts'],
  [/^readonly \w+\[\]$/, 'list of texts'],
  [/^URL \|/, 'URL or object'],
  [/^\{ readonly versions\?.*\}$/, '`versions` and `days`, numbers'],
  [/^\{ readonly days\?.*\}$/, '`days`, a number'],
  [/^\{ readonly claim.*\}$/, '`claim`, a text, and `map`, an object of texts'],
  [/^string$/, 'text'],
  [/^number$/, 'number'],
  [/^boolean$/, 'true or false'],
  [/^Pick<HealthConfig/, '`thresholds` and `backups`'],
];

function typeInWords({ name, type }: Member): string {
  const [, words] = TYPES.find(([pattern]) => pattern.test(type)) ?? [];
  if (words === undefined) throw new Error(`the type of ${name} has no words: ${type}`);
  return words;
}

/** A table of the members of an interface. @param prefix of their names */
function settings(members: readonly Member[], prefix = ''): string {
  return definitions(
    ['Setting', 'Type', 'Default', 'Meaning'],
    members.map((member) => [
      code(prefix + member.name),
      typeInWords(member),
      member.fallback ?? (member.optional ? 'none' : 'required'),
      member.text.replace(/\.$/, ''),
    ]),
  );
}

function limits(members: readonly Member[]): string {
  return definitions(
    ['Limit', 'Default', 'Meaning'],
    members.map(({ name, fallback = '', text }) => [code(name), fallback, text.replace(/\.$/, '')]),
  );
}

const variables = (rows: readonly Variable[]): string =>
  table(
    ['Variable', 'Meaning'],
    rows.map(([name, meaning]) => [code(name), meaning]),
  );

/** The page about settings. */
export function configurationPage(root: string): string {
  const of = (file: string, name: string): Member[] => membersOf(root, file, name);
  const jwt = of('packages/acl/src/authentication/jwt.ts', 'JwtOptions').filter(({ name }) =>
    ISSUER_SETTINGS.has(name),
  );
  const provider = of('packages/server/src/console/oidc.ts', 'ConsoleProvider').filter(({ name }) =>
    CONSOLE_SETTINGS.has(name),
  );
  return page(
    'Configuration and environment variables',
    'Every key of the configuration file and every variable of the environment, for people who set up the command line, a server or an application.',
    [
      section(
        2,
        'Precedence',
        list([
          'Store URL: `--store`, then the invitation of `--invitation-file`, then `$SECURESTORE_URL`, then `store` of the configuration file.',
          `Unlock secret: ${fromPlain(`${SECRET_ORDER.slice(0, 1).toLowerCase()}${SECRET_ORDER.slice(1)}`)}`,
          'Token: `--token`, then `$SECURESTORE_TOKEN`, then the file `securestore-token` in `$CREDENTIALS_DIRECTORY`.',
          'Certificates: `--tls-cert`, `--tls-key` and `--tls-ca`, each before its variable.',
          'Thresholds of health checks: those of the call, then the option `health` of `openStore`. If the program gives neither that option nor a `backend`, those of the configuration file.',
          'Packages of backends: the option `backends`, then `backends` of the configuration file.',
        ]),
        'A variable for a store URL, an unlock secret, a token or a certificate must not be empty: its value may have failed to arrive. Variables with secrets are used only if a person has named the store: see [what the command line trusts](command-line-trust.md).',
      ),
      section(
        2,
        'Configuration file',
        `The file is \`${CONFIG_NAMES[0]}\`, \`${CONFIG_NAMES[1]}\` or \`${CONFIG_NAMES[2]}\`. The command line reads the one in its working directory. The library reads the one next to the \`package.json\` of the application, or in the folder of the option \`resolveFrom\`.`,
        list([
          'A folder has at most one of the three files.',
          `The file has at most ${bytes(MAX_BYTES)}. The file and its folder belong to the user or to root.`,
          'A `.js` or `.ts` file exports the settings as its default. The command line runs it only after `securestore trust`.',
          'An unknown key is refused.',
        ]),
        'The keys:',
        settings(of('packages/securestore/src/options/config.ts', 'StoreConfig')),
        '`backends` and `health` are options of `openStore` too, with the same content. All other options of `openStore` can be given only by a program.',
        section(
          3,
          'Thresholds of health checks',
          'The keys of `health.thresholds`. Times are milliseconds, and shares are from 0 to 1. `Infinity` switches a threshold off; JSON has no `Infinity`, so write `1e999` there.',
          settings(of('packages/health/src/report/thresholds.ts', 'HealthThresholds')),
        ),
        section(
          3,
          'Thresholds of backups',
          'The keys of `health.backups`.',
          settings(of('packages/backup/src/schedule/alerts/conditions.ts', 'WatchThresholds')),
        ),
        section(
          3,
          'Example',
          '```json\n{\n  "store": "sqlite:./vault.db",\n  "health": {\n    "thresholds": { "slowAfter": 200, "scrubWithin": 2592000000 },\n    "backups": { "maxAge": 14400000 }\n  }\n}\n```',
        ),
      ),
      section(
        2,
        'Settings of a store',
        'The store keeps these settings. `createStore` and `securestore init` set them. `store.settings.change` and `securestore settings change` change `categories`, `history` and `rotation`.',
        settings(
          of('packages/objects/src/api/create-settings.ts', 'StoreSettings').filter(({ name }) => name !== 'unlock'),
        ),
      ),
      section(
        2,
        'Limits of a server',
        'The option `limits` of `serve`, or `securestore serve --limit NAME=NUMBER`. Times are milliseconds, and sizes are bytes.',
        limits(of('packages/server/src/limits/limits.ts', 'ServerLimits')),
      ),
      section(
        2,
        'Issuer file',
        'The JSON file of `securestore serve --oidc`. An unknown key is refused.',
        settings(jwt),
        'The keys of its `console`, for signing in to the console:',
        settings(provider, 'console.'),
      ),
      section(
        2,
        'Environment of the command line',
        table(
          ['Variable', 'Meaning'],
          ENVIRONMENT.map(({ name, meaning }) => [code(name), fromPlain(meaning)]),
        ),
      ),
      section(
        2,
        'Environment of backends',
        'The clients of AWS, Google, Azure, PostgreSQL and MongoDB read variables of their own, as the README of each backend says.',
        variables(BACKEND_VARIABLES),
      ),
      section(
        2,
        'Variables for programs',
        'Programs that `securestore` starts get none of its own `SECURESTORE_…` variables, and not `CREDENTIALS_DIRECTORY`. They get these, which hold no secret:',
        section(3, 'Programs around scheduled runs', variables(RUN_VARIABLES)),
        section(3, 'Programs for alerts', variables(ALERT_VARIABLES)),
      ),
      section(
        2,
        'Variables of tests',
        'Only the tests and tools of the repository read these variables.',
        variables(TEST_VARIABLES),
      ),
    ],
  );
}
