import { randomBytes } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { DownloadRequest } from '@securestore/protocol';
import { withoutUnprintable } from '@securestore/protocol';
import type { ConsoleEntry } from './console-sessions.ts';

/** How long one may be waited for, in milliseconds. */
const WAITS_FOR = 60_000;
/** How many wait at once, in all and of one principal: of those the oldest goes. What is asked for may be a MiB of names. */
const MAX_WAITING = 1000;
const MAX_EACH = 16;

interface Waiting {
  readonly entry: ConsoleEntry;
  readonly asked: DownloadRequest;
  /** In milliseconds since the machine started. */
  readonly until: number;
}

/** Downloads that were asked for and have not begun: each good once, for the session that has asked. */
export class Downloads {
  readonly #waiting = new Map<string, Waiting>();
  readonly #clock: Pick<Clock, 'uptime'>;

  constructor(clock: Pick<Clock, 'uptime'>) {
    this.#clock = clock;
  }

  /** @returns the id by which it begins */
  add(entry: ConsoleEntry, asked: DownloadRequest): string {
    const now = this.#clock.uptime();
    for (const [id, { until }] of this.#waiting) if (until <= now) this.#waiting.delete(id);
    const { principal } = entry.session;
    const own = [...this.#waiting].filter(
      ([
        ,
        {
          entry: { session },
        },
      ]) => session.principal === principal,
    );
    if (own.length >= MAX_EACH) this.#waiting.delete(own[0]?.[0] ?? '');
    if (this.#waiting.size >= MAX_WAITING) {
      throw new SecureStoreError('THROTTLED', 'too many downloads are waiting to begin', {
        advice: [{ id: 'try-again' }],
      });
    }
    const id = randomBytes(32).toString('base64url');
    this.#waiting.set(id, { entry, asked, until: now + WAITS_FOR });
    return id;
  }

  /** What is to be downloaded; not again. @throws SecureStoreError `NOT_FOUND`, also for what another session has asked for */
  take(id: string, entry: ConsoleEntry): DownloadRequest {
    const found = this.#waiting.get(id);
    if (found?.entry === entry) this.#waiting.delete(id);
    if (found?.entry === entry && found.until > this.#clock.uptime()) return found.asked;
    throw new SecureStoreError('NOT_FOUND', 'the download does not exist: it has begun, or was requested too long ago');
  }
}

/** What the file of a download is called, without what no file may be called. */
export function fileNameOf(asked: DownloadRequest): string {
  const whole = asked.type === 'object' ? asked.key : `${asked.prefix?.replace(/\/+$/, '') || 'store'}.tar`;
  const name = whole.slice(whole.lastIndexOf('/') + 1);
  // oxlint-disable-next-line no-control-regex -- what no name of a file may have
  const clean = withoutUnprintable(name, '_')
    .replaceAll(/[\x00-\x1f\x7f<>:"/\\|?*]/g, '_')
    .replace(/^[. ]+|[. ]+$/g, '');
  return clean === '' ? 'download' : clean;
}

/** The header that has a browser keep an answer as a file, in both forms that there are. */
export function attachment(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
