import { AnonymousCredential, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';
import { SecureStoreError } from '@securestore/core-format';
import { type Target, isAccount, isEndpoint } from './location.ts';
import type { Settings } from './settings.ts';

/** Where the Blob service is and what opens it. */
export interface Access {
  /** With the shared access signature, where there is one. */
  readonly url: string;
  readonly credential: StorageSharedKeyCredential | AnonymousCredential | TokenCredential;
  /** What must never show. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;
type Credentials = Pick<Settings, 'accountKey' | 'sasToken' | 'credential'>;

function refuse(reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `azure: ${reason}.`, { backend: 'azure', operation: 'init' });
}

/**
 * What options and location say, and where they are silent the environment: the variables of the Azure command line, and
 * at last what `DefaultAzureCredential` of `@azure/identity` finds.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; the message never holds a credential
 */
export async function resolveAccess(
  target: Target,
  settings: Settings,
  env: Environment = process.env,
): Promise<Access> {
  const { connectionString, accountKey, sasToken, credential } = settings;
  const given = [accountKey, sasToken, credential].filter((one) => one !== undefined);
  if (given.length > 1) refuse('of the options accountKey, sasToken and credential only one can be given');
  const account = target.account ?? settings.account;
  const endpoint = target.endpoint ?? settings.endpoint;
  const silent = account === undefined && endpoint === undefined && given.length === 0;
  if (connectionString !== undefined) {
    if (!silent) refuse('a connectionString says all, so it stands without account, endpoint and other credentials');
    return fromConnectionString(connectionString, 'option connectionString');
  }
  const inherited = env['AZURE_STORAGE_CONNECTION_STRING'] || undefined;
  if (silent && inherited !== undefined) return fromConnectionString(inherited, 'AZURE_STORAGE_CONNECTION_STRING');
  const named = account ?? (env['AZURE_STORAGE_ACCOUNT'] || undefined);
  const url = serviceUrl(named, endpoint);
  if (given.length > 0) return fromCredentials(url, named, settings);
  const found = { accountKey: env['AZURE_STORAGE_KEY'], sasToken: env['AZURE_STORAGE_SAS_TOKEN'] };
  if (found.accountKey) return fromCredentials(url, named, { ...settings, accountKey: found.accountKey });
  if (found.sasToken) return fromCredentials(url, named, { ...settings, sasToken: found.sasToken });
  // It and what it needs take their time to load, and most who come here by a key don't need them.
  const { DefaultAzureCredential } = await import('@azure/identity');
  return fromCredentials(url, named, { ...settings, credential: new DefaultAzureCredential() });
}

function serviceUrl(account: string | undefined, endpoint: string | undefined): string {
  if (account !== undefined && !isAccount(account)) refuse('the name of an account is 3 to 24 of a-z 0-9');
  if (endpoint !== undefined) {
    if (!isEndpoint(endpoint)) refuse('endpoint is the https URL of a Blob service, without user name, ? and #');
    return endpoint.replace(/\/+$/, '');
  }
  if (account !== undefined) return `https://${account}.blob.core.windows.net`;
  return refuse('no account is named; write azblob://container/prefix?account=name, or set AZURE_STORAGE_ACCOUNT');
}

function fromCredentials(
  url: string,
  account: string | undefined,
  { accountKey, sasToken, credential }: Credentials,
): Access {
  if (accountKey !== undefined) {
    if (account === undefined) refuse('a key needs the name of its account');
    if (!/^[\w+/-]+={0,2}$/.test(accountKey)) refuse('the key of the account is not base64');
    return { url, credential: new StorageSharedKeyCredential(account, accountKey), secrets: [accountKey] };
  }
  if (sasToken !== undefined) {
    const query = sasToken.replace(/^\?/, '');
    if (!new URLSearchParams(query).has('sig')) refuse('the shared access signature has no sig in it');
    return { url: `${url}?${query}`, credential: new AnonymousCredential(), secrets: secretsOfSignature(query) };
  }
  if (credential === undefined) refuse('there are no credentials');
  if (!url.startsWith('https:')) refuse('a token is only sent over https: name an https endpoint, or use a key');
  return { url, credential, secrets: [] };
}

function fromConnectionString(text: string, setting: string): Access {
  const secrets = [...text.matchAll(/(?:^|;)\s*(AccountKey|SharedAccessSignature)=([^;]*)/gi)].flatMap(
    ([, name = '', value = '']) => (/key/i.test(name) ? [value] : secretsOfSignature(value)),
  );
  try {
    const { url, credential } = BlobServiceClient.fromConnectionString(text);
    return { url, credential, secrets: secrets.filter(Boolean) };
  } catch {
    // The error of the SDK may show parts of it.
    return refuse(`${setting} is no connection string of a storage account`);
  }
}

/** A signature shows in requests percent-encoded, and in explanations as it is. */
function secretsOfSignature(query: string): string[] {
  const signature = new URLSearchParams(query).get('sig');
  return signature === null || signature === '' ? [query] : [query, signature, encodeURIComponent(signature)];
}
