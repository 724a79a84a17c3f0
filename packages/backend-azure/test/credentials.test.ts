import { EMULATOR_KEY } from '../../../tools/services/src/servers/azure.ts';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import { signatureFor } from './support/signatures.ts';
import { NO_OWN_SERVER, endpointOf, freshUrl, openAt, proxied, textOf, url, utf8 } from './support/stores.ts';

function at(endpoint: string): string {
  return `azblob://vault?account=acme&endpoint=${encodeURIComponent(endpoint)}`;
}

describe.skipIf(NO_OWN_SERVER !== undefined)('credentials', () => {
  const canary = Buffer.from('canary-7731').toString('base64');

  test('come from options or the environment; wrong ones are refused and never shown', async () => {
    const storeUrl = freshUrl();
    const account = 'devstoreaccount1';
    const refused = await openAt(storeUrl, { accountKey: canary }).catch((error: unknown) => error);
    // The emulator answers as if the key were right and not enough.
    expect(refused).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, operation: 'init' });
    expectNoSecret(refused, [canary, EMULATOR_KEY]);
    await (await openAt(storeUrl, { accountKey: EMULATOR_KEY })).write('o/a', utf8('x'));
    const string = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${EMULATOR_KEY};BlobEndpoint=${endpointOf(url)}`;
    const bare = storeUrl.replace(/\?.*/, '');
    expect(await textOf(await openAt(bare, { connectionString: string }), 'o/a')).toBe('x');
    vi.stubEnv('AZURE_STORAGE_KEY', '');
    vi.stubEnv('AZURE_STORAGE_CONNECTION_STRING', string);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await textOf(await openAt(bare), 'o/a')).toBe('x');
  });

  test('a signature allows what it says, and its lack is ACCESS_DENIED', async () => {
    const storeUrl = freshUrl();
    await (await openAt(storeUrl)).write('o/a', utf8('x'));
    const all = signatureFor(storeUrl, 'rwdl');
    const owner = await openAt(storeUrl, { sasToken: all });
    await owner.write('o/b', utf8('y'));
    expect((await owner.list('', { limit: 1 })).entries).toHaveLength(1);
    await owner.delete('o/b');
    const readOnly = signatureFor(storeUrl, 'rl');
    const reader = await openAt(storeUrl, { sasToken: readOnly });
    expect(await textOf(reader, 'o/a')).toBe('x');
    const denied = await reader.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(denied).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, key: 'o/a' });
    expect(denied).not.toHaveProperty('outcome');
    const signature = new URLSearchParams(readOnly).get('sig') ?? '';
    expectNoSecret(denied, [readOnly, signature, encodeURIComponent(signature), 'payload-7731']);
    const late = signatureFor(storeUrl, 'rwdl', new Date(Date.now() - 60_000));
    const expired = await openAt(storeUrl, { sasToken: late }).catch((error: unknown) => error);
    expect(expired).toMatchObject({ retryable: false, operation: 'init' });
    expect(['UNAUTHENTICATED', 'ACCESS_DENIED']).toContain((expired as { code: string }).code);
    expectNoSecret(expired, [new URLSearchParams(late).get('sig') ?? '']);
  });

  test('are never shown, whatever fails', async () => {
    const sasToken = `sv=2025-01-05&sig=${encodeURIComponent(canary)}`;
    const secrets = [canary, encodeURIComponent(canary), EMULATOR_KEY, 'payload-7731'];
    const proxy = await proxied();
    for (const options of [{ accountKey: canary }, { sasToken }]) {
      const failures: [Promise<unknown>, string][] = [
        [openAt(at('http://127.0.0.1:1/acme'), options), 'UNAVAILABLE'],
        [openAt(at('https://no-such-host.invalid'), options), 'UNAVAILABLE'],
        [openAt(at(endpointOf(url).replace('http:', 'https:')), options), 'UNAVAILABLE'],
        [openAt(freshUrl(), options), 'ACCESS_DENIED'],
      ];
      const settled = await Promise.allSettled(failures.map(([failure]) => failure));
      for (const [index, failure] of settled.entries()) {
        const code = failures[index]?.[1];
        expect(failure).toMatchObject({ status: 'rejected', reason: { code, operation: 'init' } });
        expectNoSecret(failure, secrets);
      }
    }
    const backend = await impatient(async (timeout) => {
      const open = await openAt(freshUrl(proxy.url), { timeout });
      await open.write('o/a', utf8('x'));
      return open;
    });
    proxy.loseAnswer();
    const lost = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    proxy.holdAnswers();
    const late = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expectNoSecret([lost, late, backend], secrets);
  });
});
