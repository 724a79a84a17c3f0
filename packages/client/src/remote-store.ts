import { SecureStoreError } from '@securestore/core-format';
import type { HealthOptions, HealthReport } from '@securestore/health';
import { checkOptions, inCall, callSignal } from '@securestore/objects/surface';
import { encodeQuery, withDates } from '@securestore/protocol';
import type { RemoteOptions, RemoteStore } from '@securestore/protocol';
import { Calls } from './calls.ts';
import { checkRemoteOptions, originOf } from './options.ts';
import { RemoteObjects } from './remote-objects.ts';
import { Transport } from './transport.ts';

/** Which store it is, and as whom it is used. */
interface About {
  readonly fingerprint: string;
  readonly principal: string;
}

const HEALTH_OPTIONS: ReadonlySet<string> = new Set();
/** What reports of health have as times. */
const HEALTH_TIMES: ReadonlySet<string> = new Set(['time']);

/** A store that is served elsewhere, as one principal may use it. */
class ServedStore extends RemoteObjects implements RemoteStore {
  readonly fingerprint: string;
  readonly principal: string;
  readonly location: string;
  readonly #calls: Calls;

  constructor(calls: Calls, location: string, { fingerprint, principal }: About) {
    super(calls);
    this.#calls = calls;
    this.location = location;
    this.fingerprint = fingerprint;
    this.principal = principal;
  }

  /** How the store is, with all that belongs to it. @throws SecureStoreError as `store.health` does */
  health(options: HealthOptions = {}): Promise<HealthReport> {
    const { timeout, ...others } = options;
    return inCall(
      'health',
      undefined,
      () => options.signal,
      async () => {
        this.#calls.checkOpen();
        checkOptions(others, HEALTH_OPTIONS);
        // The server has so long to look; what it has found by then is the answer.
        const path = `/v1/health${encodeQuery({ timeout: timeout === undefined ? undefined : Math.ceil(timeout) })}`;
        return withDates(await this.#calls.get(path, callSignal(others)), HEALTH_TIMES) as HealthReport;
      },
    );
  }

  close(): Promise<void> {
    return this.#calls.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Opens a store that is served elsewhere.
 *
 * @param location scheme, host and port, such as `https://vault.example.com`
 * @throws SecureStoreError `UNAUTHENTICATED`; `INTEGRITY` for another store than `fingerprint` says; `UNAVAILABLE` where the server can't be
 *   reached; `TIMEOUT`, `ABORTED`; `INVALID_ARGUMENT`
 */
export async function openRemoteStore(location: string, options: RemoteOptions): Promise<RemoteStore> {
  checkRemoteOptions(options);
  const { credentials, tls, connections, fingerprint, signal, timeout } = options;
  const { token } = credentials;
  const source = token === undefined || typeof token === 'function' ? token : (): string => token;
  const origin = originOf(location);
  const calls = new Calls(new Transport({ origin, token: source, tls, connections }));
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
      throw new SecureStoreError(
        'INTEGRITY',
        `the server at ${origin} serves another store than the one with this fingerprint`,
      );
    }
    return new ServedStore(calls, origin, about);
  } catch (error) {
    await calls.close();
    throw error;
  }
}
