import { checkParameters, storeUrlError, parseStoreUrl } from '@securestore/backend-api';

/** What a store URL says. */
export interface Target {
  /** What the driver connects to, without user name and password. */
  readonly uri: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: string;
  readonly collection: string;
  /** Further parts of the store URL that must never show. */
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
/** Parameters that are common in store URLs for the driver, with the values that a store uses anyway. */
const SETTLED: Readonly<Record<string, RegExp>> = {
  journal: /^true$/,
  readConcernLevel: /^majority$/,
  readPreference: /^primary$/,
  // The driver never repeats the commands of a store, whatever these say.
  retryReads: /^(?:true|false)$/,
  retryWrites: /^(?:true|false)$/,
  w: /^majority$/,
};

/** How store URLs of the backend look; with `mongodb+srv:` the hosts are those that DNS names. */
export const FORM = 'mongodb://host:27017/database?collection=name';

function refuse(problem: string, parameter?: string): never {
  throw storeUrlError('mongodb', problem, FORM, parameter);
}

/**
 * Takes `mongodb://user:password@host:port,host:port/database?collection=…` apart; all but one host may be left out.
 * User name and password are percent-decoded.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a part of the store URL that may be a credential
 */
export function parseTarget(url: string): Target {
  const { scheme, rest } = parseStoreUrl(url);
  if (scheme !== 'mongodb' && scheme !== 'mongodb+srv')
    refuse('the store URL must begin with mongodb: or mongodb+srv:');
  // `URL` takes no list of hosts.
  const parts = PARTS.exec(rest);
  if (parts === null) refuse('the store URL must be a valid URL, with @ : / ? # in the password percent-encoded');
  const [, credentials = '', hosts = '', database = '', query = ''] = parts;
  checkHosts(hosts, scheme);
  if (database !== '' && !DATABASE.test(database))
    refuse('the database in the store URL must have 1 to 63 of a-z A-Z 0-9 _ -');
  const parameters = parametersOf(query);
  const collection = parameters.get('collection') ?? DEFAULT_NAME;
  if (!COLLECTION.test(collection)) {
    const rule = 'must have 1 to 120 of a-z A-Z 0-9 _ . -, and begin with a letter or _';
    refuse(`the parameter "collection" of the store URL ${rule}`, 'collection');
  }
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
  if (found.some((host) => host === null || Number(host[1] ?? 1) > 65_535))
    refuse('a host or its port in the store URL is invalid');
  if (scheme === 'mongodb') return;
  if (found.length > 1 || found[0]?.[1] !== undefined)
    refuse('a mongodb+srv: store URL must have one host, without a port');
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const entries = [...new URLSearchParams(query)];
  checkParameters(entries, ['collection', ...PASSED, ...Object.keys(SETTLED)], refuse);
  for (const [name, value] of entries) {
    if (value === '') refuse(`the parameter "${name}" of the store URL must not be empty`, name);
    if (SETTLED[name]?.test(value) === false) {
      refuse(`the parameter "${name}" of the store URL has a value that no store can use`, name);
    }
  }
  return new Map(entries);
}

function decoded(part: string): string | undefined {
  if (part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return refuse('the user name and password in the store URL must be percent-encoded');
  }
}
