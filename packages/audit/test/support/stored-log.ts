import type { AuditEntry } from '@securestore/core-format';
import { auditName, auditPrefix, encodeAuditBatch, encodeAuditEntry, SecureStoreError } from '@securestore/core-format';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { AuditTrail } from '../../src/index.ts';
import type { AuditPage, AuditPageOptions, AuditArea, TrailEntry } from '../../src/index.ts';
import { testRandom } from './world.ts';

const PAGE = 1000;

function unused(): never {
  throw new Error('not for this test');
}

const steps: AuditArea['stepsInTime'] = async function* each(_operation, { signal }, body) {
  yield* body(signal);
};

/** The log of a store, written by any number of processes, which counts what is asked of the backend. */
export class StoredLog {
  readonly clock: FakeClock = new FakeClock();
  readonly parts: Map<string, { readonly modified: number; readonly body: Buffer }> = new Map();
  readonly #random = testRandom('segments');
  #names: string[] | undefined = [];
  #sleeping = 0;
  pages = 0;
  reads = 0;
  /** What a page is in the place of the true one, where a test says so. */
  lie: ((options: AuditPageOptions) => AuditPage | undefined) | undefined;

  /** Whether somebody who follows waits for the next look. */
  get idle(): boolean {
    return this.#sleeping > 0;
  }

  get trail(): AuditTrail {
    return new AuditTrail(this.#place());
  }

  /** How many calls were made since it was asked last. */
  calls(): { readonly pages: number; readonly reads: number } {
    const { pages, reads } = this;
    this.pages = 0;
    this.reads = 0;
    return { pages, reads };
  }

  put(name: string, body: Buffer, modified: number = this.clock.now()): void {
    this.parts.set(name, { modified, body });
    this.#names = undefined;
  }

  /** Begins a segment. @param skew by how many milliseconds its process's clock is ahead */
  begin(skew = 0): Segment {
    return new Segment(this, this.#random(16), skew);
  }

  /** A process that does one thing and ends. */
  short(action: string): void {
    const segment = this.begin();
    segment.write([action, 'audit.end']);
  }

  async #page({ prefix = 'a/', after = '', limit = PAGE, signal }: AuditPageOptions = {}): Promise<AuditPage> {
    signal?.throwIfAborted();
    this.pages++;
    const lie = this.lie?.({ prefix, after, limit });
    if (lie !== undefined) return lie;
    this.#names ??= [...this.parts.keys()].toSorted();
    const names = this.#names;
    const start = after > prefix ? after : prefix;
    let [low, high] = [0, names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((names[middle] ?? '') > start) high = middle;
      else low = middle + 1;
    }
    const found: { name: string; modified: number }[] = [];
    for (const name of names.slice(low, low + limit)) {
      if (!name.startsWith(prefix)) break;
      found.push({ name, modified: this.parts.get(name)?.modified ?? 0 });
    }
    const more = found.length === limit && (names[low + limit] ?? '').startsWith(prefix);
    return { parts: found, ...(more && { next: found.at(-1)?.name ?? '' }) };
  }

  #place(): AuditArea {
    return {
      settings: undefined,
      notRecorded: [],
      canWrite: false,
      checkReadable: () => undefined,
      inTime: (_operation, { signal }, body) => body(signal),
      stepsInTime: steps,
      clock: {
        now: () => this.clock.now(),
        uptime: () => this.clock.uptime(),
        sleep: async (milliseconds, signal) => {
          this.#sleeping++;
          try {
            await this.clock.sleep(milliseconds, signal);
          } finally {
            this.#sleeping--;
          }
        },
      },
      instanceId: Buffer.alloc(16),
      instanceIds: [],
      identity: Buffer.alloc(32),
      get nameKey() {
        return unused();
      },
      hashNames: (names) => names.map(() => Buffer.alloc(16)),
      maxPart: 1e6,
      random: unused,
      sign: unused,
      refresh: async () => undefined,
      trustedEnds: async () => [],
      follow: () => undefined,
      onClose: () => undefined,
      seal: unused,
      write: unused,
      names: unused,
      page: (options) => this.#page(options),
      read: async (name) => {
        this.reads++;
        const body = this.parts.get(name)?.body;
        if (body?.length === 0) throw new SecureStoreError('INTEGRITY', `${name} is damaged`);
        return body;
      },
      enable: unused,
      disable: unused,
    };
  }
}

/** What one process writes. */
export class Segment {
  readonly prefix: string;
  readonly #log: StoredLog;
  readonly #skew: number;
  #count = 0;

  constructor(log: StoredLog, id: Buffer, skew: number) {
    this.#log = log;
    this.#skew = skew;
    this.prefix = auditPrefix(log.clock.now() + skew, id);
  }

  /** One part, with entries of now. @returns its name */
  write(actions: readonly string[]): string {
    const name = auditName(this.prefix, this.#count === 0 ? 0 : this.#count + 1);
    const entries = actions.map((action) => {
      const bytes = encodeAuditEntry({
        ...ENTRY,
        action,
        sequence: ++this.#count,
        time: this.#log.clock.now() + this.#skew,
      });
      return { bytes, mac: Buffer.alloc(32), batch: 0 };
    });
    this.#log.put(name, encodeAuditBatch({ entries }));
    return name;
  }
}

const ENTRY: Omit<AuditEntry, 'sequence' | 'action' | 'time'> = {
  principal: 'me',
  category: '',
  outcome: 'allowed',
  reason: '',
  requestId: '',
  duration: 0,
};

export const actionsOf = (entries: readonly TrailEntry[]): string[] => entries.map(({ action }) => action);
