import { parseLocation } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** What a location says of the servers and of the store's place on them. */
export interface Target {
  /** What the driver connects to, without user name and password. */
  readonly uri: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly collection: string;
  /** What else of the location must never show. */
  readonly secrets: readonly string[];
}

const DEFAULT_NAME = 'securestore';
/** user name and password, hosts, database, parameters */
const PARTS = /^\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^@/?#]*))?(?:\?([^#]*))?$/;
/** A name, an IPv6 address or a percent-encoded socket, with or without a port. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.%-]+)(?::(\d{1,5}))?$/i;
const DATABASE = /^[\w-]{1,63}$/;
const COLLECTION = /^(?!system\.)[A-Za-z_][\w.-]{0,119}$/;

/** Parameters that the driver is given. */
const PASSED: readonly string[] = [
  'appName',
  'authMechanism',
  'authMechanismProperties',
  'authSource',
  'directConnection',
  'loadBalanced',
  'replicaSet',
  'srvMaxHosts',
  'srvServiceName',
  'tls',
  'tlsCAFile',
  'tlsCertificateKeyFile',
];
/** Parameters that are often in locations for the driver; they may say what a store does anyway. */
const SETTLED: Readonly<Record<string, RegExp>> = {
  journal: /^true$/,
  readConcernLevel: /^majority$/,
  readPreference: /^primary$/,
  // The commands of a store are never repeated by the driver, whatever it is told.
  retryReads: /^(?:true|false)$/,
  retryWrites: /^(?:true|false)$/,
  w: /^majority$/,
};

function refuse(reason: string): never {
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `mongodb: ${reason}; write mongodb://host:27017/database?collection=name, or mongodb+srv: for hosts named by DNS.`,
    { backend: 'mongodb', operation: 'init' },
  );
}

/**
 * Takes `mongodb://user:password@host:port,host:port/database?collection=…` apart; all but one host may be left out.
 * User name and password are percent-decoded.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the location that may be a credential
 */
export function parseTarget(location: string): Target {
  const { scheme, rest } = parseLocation(location);
  if (scheme !== 'mongodb' && scheme !== 'mongodb+srv') refuse('the location is not one of mongodb: or mongodb+srv:');
  // `URL` takes no list of hosts.
  const parts = PARTS.exec(rest);
  if (parts === null) refuse('the location is no URL (are @ : / ? # in the password percent-encoded?)');
  const [, credentials = '', hosts = '', database = '', query = ''] = parts;
  checkHosts(hosts, scheme);
  if (database !== '' && !DATABASE.test(database)) refuse('the database is 1 to 63 of a-z A-Z 0-9 _ -');
  const parameters = parametersOf(query);
  const collection = parameters.get('collection') ?? DEFAULT_NAME;
  if (!COLLECTION.test(collection))
    refuse('collection is 1 to 120 of a-z A-Z 0-9 _ . -, and begins with a letter or _');
  const passed = new URLSearchParams([...parameters].filter(([name]) => PASSED.includes(name)));
  const colon = credentials.indexOf(':');
  return {
    uri: `${scheme}://${hosts}/${database}?${passed.toString()}`,
    username: decoded(colon < 0 ? credentials : credentials.slice(0, colon)),
    password: colon < 0 ? undefined : decoded(credentials.slice(colon + 1)),
    database: database === '' ? DEFAULT_NAME : database,
    collection,
    secrets: [parameters.get('authMechanismProperties')].filter((secret) => secret !== undefined),
  };
}

function checkHosts(hosts: string, scheme: string): void {
  const found = hosts.split(',').map((host) => HOST.exec(host));
  if (found.some((host) => host === null || Number(host[1] ?? 1) > 65_535)) refuse('a host or its port makes no sense');
  if (scheme === 'mongodb') return;
  if (found.length > 1 || found[0]?.[1] !== undefined) refuse('with mongodb+srv: there is one host, without a port');
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const entries = [...new URLSearchParams(query)];
  const names = entries.map(([name]) => name);
  const known = ['collection', ...PASSED, ...Object.keys(SETTLED)];
  if (names.some((name) => !known.includes(name)) || new Set(names).size < names.length) {
    refuse(`the parameters of the location are ${known.join(', ')}, each once`);
  }
  for (const [name, value] of entries) {
    if (value === '') refuse(`the parameter ${name} is empty`);
    if (SETTLED[name]?.test(value) === false)
      refuse(`a store can not be used with this value of ${name}; leave it out`);
  }
  return new Map(entries);
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse('the user name or password is not percent-encoded');
  }
}
