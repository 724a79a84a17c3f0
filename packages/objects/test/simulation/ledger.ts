import type { KnownObject } from '../../src/journal/full-scan-diff.ts';
import type { Change } from '../../src/journal/resolve-hints.ts';
import { versionOf } from '../../src/record/open-record.ts';

/** A cut as it was published. */
export interface PublishedCut {
  /** Milliseconds since the schedule began, by the backend's clock. */
  readonly time: number;
  /** When all of it had been read, in milliseconds since the schedule began. */
  readonly published: number;
  /** The number of the newest version of each object that it holds, by token. */
  readonly versions: ReadonlyMap<string, number>;
}

/** What a consumer of the journal keeps beyond the end of its processes, and what there is to judge of it. */
export class Ledger {
  readonly label: string;
  /** The newest version of each object that it was given, by token. */
  readonly known = new Map<string, KnownObject>();
  /** All versions that it was given. */
  readonly visited = new Set<string>();
  readonly cuts: PublishedCut[] = [];
  readonly alarms: string[] = [];
  /** When its last pass began; `undefined` before the first has ended. */
  passed: number | undefined;
  /** Whether the end of a pass has been confirmed, so that none is owed before something happens. */
  settled = false;
  /** When its state was last written. */
  alive = 0;

  constructor(label: string) {
    this.label = label;
  }

  /** Keeps a change for good: what comes later finds it, whatever happens to the process. */
  readonly take = ({ token, header }: Change): void => {
    const { commitId, version, kind } = header;
    this.visited.add(versionOf(header));
    const before = this.known.get(token);
    if (before !== undefined && before.version > version) return;
    this.known.set(token, { token, commitId, version, deleted: kind === 'tombstone' });
  };

  /** Keeps that an object is gone, whose deletion it was never given. */
  readonly drop = (object: KnownObject): void => void this.known.set(object.token, { ...object, deleted: true });

  /** What is known in the order of tokens, as a pass takes it. */
  async *sorted(): AsyncGenerator<KnownObject> {
    yield* [...this.known.values()].toSorted((a, b) => (a.token < b.token ? -1 : 1));
  }

  publish(time: number, published: number): void {
    const versions = new Map([...this.known.values()].map(({ token, version }) => [token, version]));
    this.cuts.push({ time, published, versions });
  }
}
