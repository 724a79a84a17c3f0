import { BlobServiceClient, StorageRetryPolicyType } from '@azure/storage-blob';
import { describe, expect, test } from 'vitest';
import { resolveAccess } from '../src/connection/access.ts';
import { AzureBackend } from '../src/index.ts';
import { parseTarget } from '../src/connection/location.ts';
import { parseSettings } from '../src/connection/settings.ts';
import { countRequests } from './support/requests.ts';
import { NO_SERVER, containerOf, freshUrl, openAt, proxied, serviceOf, textOf, utf8 } from './support/stores.ts';

async function openWith(client: unknown, url: string): Promise<AzureBackend> {
  const backend = new AzureBackend();
  await backend.init({ url, options: {}, client });
  return backend;
}

describe.skipIf(NO_SERVER !== undefined)("a caller's client", () => {
  test('of the service or of the container is used, and stays usable', async () => {
    for (const client of [await serviceOf(), await containerOf()]) {
      const url = freshUrl().replace(/\?.*/, '?account=ignored');
      const backend = await openWith(client, url);
      await backend.write('o/a', utf8('x'));
      await backend.close();
      await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
      const again = await openWith(client, url);
      expect(await textOf(again, 'o/a')).toBe('x');
    }
  });

  test('of another container than that of the store URL is refused', async () => {
    const client = (await serviceOf()).getContainerClient('another');
    await expect(openWith(client, freshUrl())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('that sends a write again after its acknowledgement was lost still wins its condition', async () => {
    const proxy = await proxied();
    const { url, credential } = await resolveAccess(parseTarget(proxy.url), parseSettings({}));
    const retryOptions = { maxTries: 3, retryDelayInMs: 1, retryPolicyType: StorageRetryPolicyType.FIXED };
    const client = new BlobServiceClient(url, credential, { retryOptions });
    const storeUrl = freshUrl(proxy.url);
    const backend = await openWith(client, storeUrl);
    const beside = await openAt(freshUrl().replace(/test\/.*\?/, `${parseTarget(storeUrl).prefix}?`));
    await backend.write('o/warm', utf8('x'));
    proxy.loseAnswer();
    const written = await backend.write('o/a', utf8('1'), { ifAbsent: true });
    expect(await beside.read('o/a')).toMatchObject({ etag: written.etag, modified: written.modified });
    proxy.loseAnswer();
    await backend.write('o/a', utf8('2'), { ifMatch: written.etag });
    await expect(backend.write('o/a', utf8('3'), { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(backend.write('o/a', utf8('3'), { ifMatch: written.etag })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(await textOf(beside, 'o/a')).toBe('2');
    expect(await countRequests(async () => backend.write('o/b', utf8('x'), { ifAbsent: true }))).toBe(1);
  });

  test('of an account with a hierarchical namespace is refused', async () => {
    const client = await containerOf();
    // The emulator has none, so what it says of its account is changed.
    const info = client.getAccountInfo.bind(client);
    client.getAccountInfo = async (options) => ({ ...(await info(options)), isHierarchicalNamespaceEnabled: true });
    const opened = openWith(client, freshUrl());
    await expect(opened).rejects.toMatchObject({ code: 'UNSUPPORTED', operation: 'init' });
  });

  test('that lists in another order is not believed', async () => {
    const client = await containerOf();
    const backend = await openWith(client, freshUrl());
    for (const key of ['o/a', 'o/b']) await backend.write(key, utf8('x'));
    const list = client.listBlobsFlat.bind(client);
    client.listBlobsFlat = (options) => {
      const found = list(options);
      const byPage = found.byPage.bind(found);
      found.byPage = async function* (settings) {
        for await (const page of byPage(settings)) {
          page.segment.blobItems.reverse();
          yield page;
        }
      };
      return found;
    };
    await expect(backend.list('o/')).rejects.toMatchObject({ code: 'UNSUPPORTED', operation: 'list' });
  });
});
