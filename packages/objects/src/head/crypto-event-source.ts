import type { CategoryMap, Head, KeyGroupKind, SlotType } from '@securestore/core-format';
import { asBuffer, encodeBase32, SecureStoreError } from '@securestore/core-format';
import type { KeyUseListener } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type {
  ChangeEvent,
  CryptoEvent,
  CryptoEventListener,
  CryptoKey,
  CryptoOutcome,
  KeyUseEvent,
  SuiteRefusedEvent,
} from '../api/crypto-events.ts';
import { COUNTED_FOR } from '../api/crypto-events.ts';
import type { Logger } from '../api/types.ts';

/** An event without what all of them have. */
type Told = CryptoEvent extends infer E
  ? E extends CryptoEvent
    ? Omit<E, 'time' | 'instanceId' | 'outcome'>
    : never
  : never;

/** A key version as the keyring has it. */
export interface KnownVersion {
  readonly label: string;
  readonly kind: KeyGroupKind;
  readonly groupId: Uint8Array;
  readonly suite: number;
}

type Counted = Omit<KeyUseEvent, 'count' | 'since'> | Omit<SuiteRefusedEvent, 'count' | 'since'>;

interface Count {
  readonly what: () => Counted;
  readonly outcome: CryptoOutcome;
  readonly since: number;
  count: number;
}

/** What a failure is told as: its message may hold names. */
function outcomeOf(error: unknown): CryptoOutcome {
  if (SecureStoreError.is(error)) return error.outcome === 'unknown' ? 'unknown' : error.code;
  return (error as { name?: unknown } | undefined)?.name === 'AbortError' ? 'ABORTED' : 'INTERNAL';
}

/**
 * Tells a listener what one open store does with keys. Each change of slots and keys is told when it has taken effect or
 * failed; uses of keys are counted, and told after {@link COUNTED_FOR}, before the next change, and when the store is closed.
 */
export class CryptoEventSource {
  readonly #listener: CryptoEventListener;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  readonly #closed = new AbortController();
  #instance = '';
  #categories: Pick<Map<string, string>, 'get'> = new Map();
  #counts = new Map<string, Count>();

  constructor(listener: CryptoEventListener, clock: Clock, logger: Logger | undefined) {
    this.#listener = listener;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** From now on all is told of this store. */
  of({ instance }: Pick<Head, 'instance'>): void {
    this.#instance = asBuffer(instance).toString('hex');
  }

  /** From now on categories are called by these names. */
  name({ categories }: CategoryMap): void {
    this.#categories = new Map(categories.map(({ id, name }) => [asBuffer(id).toString('hex'), name]));
  }

  /** A key version, by what is told of it. */
  keyOf({ label, kind, groupId, suite }: KnownVersion): CryptoKey {
    const category = kind === 'category' ? this.#categories.get(asBuffer(groupId).toString('hex')) : undefined;
    return category === undefined ? { id: label, kind, suite } : { id: label, kind, category, suite };
  }

  /** A secret was tried. @param slot the id of the one that it opened */
  unlocked(method: SlotType, slot: Uint8Array | undefined, failure?: unknown): void {
    const event = { type: 'unlock', method } as const;
    this.#tell(slot === undefined ? event : { ...event, slot: encodeBase32(slot) }, failure);
  }

  /** Slots and keys have been changed, or not. */
  changed(changes: readonly ChangeEvent[], failure?: unknown): void {
    if (changes.length > 0) this.flush();
    for (const change of changes) this.#tell(change, failure);
  }

  /** To be called with every use of a key version. */
  readonly used: KeyUseListener = (key, operation, from, failure) => {
    const outcome = failure === undefined ? 'done' : outcomeOf(failure);
    const old = from === undefined ? {} : { from: asBuffer(from).toString('hex') };
    this.#count(`${operation} ${key.label} ${old.from ?? ''} ${outcome}`, outcome, () => ({
      type: 'key.used',
      operation,
      key: this.keyOf(key),
      ...old,
    }));
  };

  /** To be called with the suite of everything that is refused for it. */
  refusedSuite(suite: number): void {
    this.#count(`suite ${suite}`, 'INTEGRITY', () => ({ type: 'suite.refused', suite }));
  }

  #count(id: string, outcome: CryptoOutcome, what: () => Counted): void {
    const known = this.#counts.get(id);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    if (this.#counts.size === 0) this.#flushLater();
    this.#counts.set(id, { what, outcome, since: this.#clock.now(), count: 1 });
  }

  #flushLater(): void {
    this.#clock.sleep(COUNTED_FOR, this.#closed.signal, { ref: false }).then(
      () => this.flush(),
      () => undefined,
    );
  }

  /** Tells what has been counted. */
  flush(): void {
    const counts = this.#counts;
    this.#counts = new Map();
    for (const { what, outcome, since, count } of counts.values()) {
      this.#send({ ...what(), count, since: new Date(since) }, outcome);
    }
  }

  /** Tells what is left. */
  close(): void {
    this.#closed.abort();
    this.flush();
  }

  #tell(event: Told, failure: unknown): void {
    this.#send(event, failure === undefined ? 'done' : outcomeOf(failure));
  }

  #send(event: Told, outcome: CryptoOutcome): void {
    try {
      const time = new Date(this.#clock.now());
      const result: unknown = this.#listener({ ...event, time, instanceId: this.#instance, outcome });
      // An async function fits the type, too, and its failure must not end the process.
      if (result instanceof Promise) result.catch((error: unknown) => this.#failed(event, error));
    } catch (error) {
      this.#failed(event, error);
    }
  }

  /** The message of the error may hold anything. */
  #failed({ type }: Told, error: unknown): void {
    const code = SecureStoreError.is(error) ? error.code : undefined;
    this.#logger?.error({ type, code }, 'the listener of crypto events failed; the event is lost');
  }
}

/** The source for a store; `undefined` where nobody listens. */
export function eventsFor(
  {
    onCryptoEvent,
    logger,
  }: { readonly onCryptoEvent?: CryptoEventListener | undefined; readonly logger?: Logger | undefined },
  clock: Clock,
): CryptoEventSource | undefined {
  return onCryptoEvent && new CryptoEventSource(onCryptoEvent, clock, logger);
}
