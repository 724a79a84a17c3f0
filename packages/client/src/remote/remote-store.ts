import { SecureStoreError } from '@securestore/core-format';
import type { HealthOptions, HealthReport } from '@securestore/health';
import { callSignal, inCall } from '@securestore/objects/surface';
import { encodeQuery } from '@securestore/protocol';
import type { RemoteOptions, RemoteStore } from '@securestore/protocol';
import { ADMINISTRATION_TIMES } from './administration-times.ts';
import { Calls } from '../transport/calls.ts';
import { checkRemoteOptions, originOf } from '../transport/options.ts';
import { remoteAdministration } from './remote-administration.ts';
import { RemoteObjects } from './remote-objects.ts';
import { checkedTls } from '../transport/tls.ts';
import { Transport } from '../transport/transport.ts';

/** Which store it is, and as whom it is used. */
interface About {
  readonly fingerprint: string;
  readonly principal: string;
}

const HEALTH_OPTIONS: ReadonlySet<string> = new Set();

/** How the store is, with all that belongs to it. */
function healthOf(calls: Calls): RemoteStore['health'] {
  return async (given?: HealthOptions) => {
    const { timeout, ...options } = given ?? {};
    return calls.administer('health', options, HEALTH_OPTIONS, async (signal) => {
      // The server has so long to look; what it has found by then is the answer.
      const query = { timeout: timeout === undefined ? undefined : Math.ceil(timeout) };
      const ask = { method: 'GET', path: `/v1/health${encodeQuery(query)}`, signal, readOnly: true } as const;
      return calls.send<HealthReport>(ask, undefined, ADMINISTRATION_TIMES);
    });
  };
}

/** A store that is served elsewhere, as one principal may use it. */
function servedStore(calls: Calls, url: string, { fingerprint, principal }: About): RemoteStore {
  const objects = new RemoteObjects(calls);
  const administration = remoteAdministration(calls);
  const close = (): Promise<void> => calls.close();
  const health = healthOf(calls);
  const more = { fingerprint, principal, url, health, close, [Symbol.asyncDispose]: close };
  return Object.assign(objects, administration, more);
}

/**
 * Opens a store that is served elsewhere.
 *
 * @param url scheme, host and port, such as `https://vault.example.com`
 * @throws SecureStoreError `UNAUTHENTICATED`; `INTEGRITY` for another store than `fingerprint` says; `UNAVAILABLE` if the server can't be
 *   reached; `TIMEOUT`, `ABORTED`; `INVALID_ARGUMENT`
 */
export async function openRemoteStore(url: string, options: RemoteOptions): Promise<RemoteStore> {
  checkRemoteOptions(options);
  const { credentials, tls, connections, fingerprint, signal, timeout } = options;
  // Whoever brings a certificate may give none; the types ask for them all the same.
  const token = (credentials as Partial<typeof options>['credentials'])?.token;
  const source = token === undefined || typeof token === 'function' ? token : (): string => token;
  const origin = originOf(url);
  const material = checkedTls(tls);
  if (material !== undefined && origin.startsWith('http:')) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "tls" must not be given for a server at http:', {
      option: 'tls',
    });
  }
  const calls = new Calls(new Transport({ origin, token: source, tls: material, connections }));
  try {
    let ends: AbortSignal | undefined;
    const about = await inCall(
      'open',
      undefined,
      () => ends,
      async () => {
        ends = callSignal({ signal, timeout });
        return calls.get<About>('/v1/store', ends);
      },
    );
    if (fingerprint !== undefined && about.fingerprint !== fingerprint) {
      throw new SecureStoreError('INTEGRITY', `the store at ${origin} has another fingerprint than the given one`);
    }
    return servedStore(calls, origin, about);
  } catch (error) {
    await calls.close();
    throw error;
  }
}
