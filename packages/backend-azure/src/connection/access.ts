import { storeUrlError, optionError } from '@securestore/backend-api';
import { AnonymousCredential, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';
import { SecureStoreError } from '@securestore/core-format';
import { ACCOUNT_RULE, ENDPOINT_RULE, FORM, type Target, isAccount, isEndpoint } from './location.ts';
import type { Settings } from './settings.ts';

/** The Blob service and what opens it. */
export interface Access {
  /** With the shared access signature, if there is one. */
  readonly url: string;
  readonly credential: StorageSharedKeyCredential | AnonymousCredential | TokenCredential;
  /** What must never show. */
  readonly secrets: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;
type Credentials = Pick<Settings, 'accountKey' | 'sasToken' | 'credential'>;

function refuse(problem: string, option?: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `azure: ${problem}`, { backend: 'azure', operation: 'init', option });
}

/**
 * What options and store URL say, else what the environment says: the variables of the Azure command line, and at last
 * what `DefaultAzureCredential` of `@azure/identity` finds.
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
  if (given.length > 1) refuse('only one of the options "accountKey", "sasToken" and "credential" is allowed');
  const account = target.account ?? settings.account;
  const endpoint = target.endpoint ?? settings.endpoint;
  const silent = account === undefined && endpoint === undefined && given.length === 0;
  if (connectionString !== undefined) {
    if (!silent)
      throw optionError('azure', 'connectionString', 'be given without account, endpoint and other credentials');
    return fromConnectionString(connectionString, 'the option "connectionString"', 'connectionString');
  }
  const inherited = env['AZURE_STORAGE_CONNECTION_STRING'] || undefined;
  if (silent && inherited !== undefined) return fromConnectionString(inherited, '$AZURE_STORAGE_CONNECTION_STRING');
  const named = account ?? (env['AZURE_STORAGE_ACCOUNT'] || undefined);
  const url = serviceUrl(named, endpoint);
  if (given.length > 0) return fromCredentials(url, named, settings);
  const found = { accountKey: env['AZURE_STORAGE_KEY'], sasToken: env['AZURE_STORAGE_SAS_TOKEN'] };
  if (found.accountKey) return fromCredentials(url, named, { ...settings, accountKey: found.accountKey });
  if (found.sasToken) return fromCredentials(url, named, { ...settings, sasToken: found.sasToken });
  // The package takes time to load, and most callers give a key and don't need it.
  const { DefaultAzureCredential } = await import('@azure/identity');
  return fromCredentials(url, named, { ...settings, credential: new DefaultAzureCredential() });
}

function serviceUrl(account: string | undefined, endpoint: string | undefined): string {
  if (account !== undefined && !isAccount(account))
    refuse(`the name of the account must be ${ACCOUNT_RULE}`, 'account');
  if (endpoint !== undefined) {
    if (!isEndpoint(endpoint)) throw optionError('azure', 'endpoint', `be ${ENDPOINT_RULE}`);
    return endpoint.replace(/\/+$/, '');
  }
  if (account !== undefined) return `https://${account}.blob.core.windows.net`;
  throw storeUrlError('azure', 'the account is missing', FORM, 'account');
}

function fromCredentials(
  url: string,
  account: string | undefined,
  { accountKey, sasToken, credential }: Credentials,
): Access {
  if (accountKey !== undefined) {
    if (account === undefined) refuse('a key needs the name of its account', 'account');
    if (!/^[\w+/-]+={0,2}$/.test(accountKey)) refuse('the key of the account must be base64', 'accountKey');
    return { url, credential: new StorageSharedKeyCredential(account, accountKey), secrets: [accountKey] };
  }
  if (sasToken !== undefined) {
    const query = sasToken.replace(/^\?/, '');
    if (!new URLSearchParams(query).has('sig'))
      refuse('the shared access signature must have a parameter "sig"', 'sasToken');
    return { url: `${url}?${query}`, credential: new AnonymousCredential(), secrets: secretsOfSignature(query) };
  }
  if (credential === undefined) refuse('the credentials are missing');
  if (!url.startsWith('https:'))
    refuse('the endpoint must be an https: URL, since a token is not sent otherwise', 'endpoint');
  return { url, credential, secrets: [] };
}

function fromConnectionString(text: string, setting: string, option?: string): Access {
  const secrets = [...text.matchAll(/(?:^|;)\s*(AccountKey|SharedAccessSignature)=([^;]*)/gi)].flatMap(
    ([, name = '', value = '']) => (/key/i.test(name) ? [value] : secretsOfSignature(value)),
  );
  try {
    const { url, credential } = BlobServiceClient.fromConnectionString(text);
    return { url, credential, secrets: secrets.filter(Boolean) };
  } catch {
    // The error of the SDK may show parts of it.
    return refuse(`${setting} must be the connection string of a storage account`, option);
  }
}

/** A signature shows in requests percent-encoded, and in explanations as it is. */
function secretsOfSignature(query: string): string[] {
  const signature = new URLSearchParams(query).get('sig');
  return signature === null || signature === '' ? [query] : [query, signature, encodeURIComponent(signature)];
}
