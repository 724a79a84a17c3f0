import { randomUUID } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Claim, Clock, StateKind, StateStorage } from '@securestore/jobs';
import { ClaimWatch, isObject, LAPSES_AFTER, SharedState } from '@securestore/jobs';
import { refuse } from '../../repository/errors.ts';
import type { Condition, WatchThresholds } from './conditions.ts';
import { conditionsOf } from './conditions.ts';
import { deliver } from './deliver.ts';
import type { WatchFacts } from './facts.ts';

/** How long one check may take to send all alerts, in milliseconds: less than its claim lasts. */
const TELL_WITHIN = LAPSES_AFTER - 15_000;

/** The message to a sink. When a condition ends, `message` begins with "ended: ", and `severity` is still that of the condition. */
export interface Alert extends Condition {
  readonly event: 'begin' | 'end';
  /** When the condition was first seen, in milliseconds since 1970. */
  readonly since: number;
  /** When it was sent. */
  readonly at: number;
  /** As of now. */
  readonly facts: WatchFacts;
}

/** Where alerts are sent. */
export interface AlertSink {
  /** Never given to another sink: it is remembered which sink got which alert. */
  readonly name: string;
  /** @throws SecureStoreError if it could not be sent; one that is `retryable` is tried again */
  send(alert: Alert, signal: AbortSignal): Promise<void>;
}

/** The words of an alert about the end of a condition. */
function ending(message: string): Pick<Alert, 'message' | 'advice'> {
  return { message: `ended: ${message}`, advice: 'nothing is to be done any more' };
}

/** A condition as it is remembered, and the sinks that know of it. */
interface Known extends Omit<Condition, 'advice'> {
  readonly since: number;
  /** Whether it lasts. One that is over is kept until every sink that knows of it knows that. */
  readonly active: boolean;
  readonly told: readonly string[];
}

interface AlertState {
  readonly known: readonly Known[];
  readonly claim?: Claim;
}

export interface AlertFailure {
  /** Left out if the state of the alerts could not be read or written. */
  readonly sink?: string;
  readonly error: SecureStoreError;
}

export interface AlertReport {
  readonly conditions: readonly Condition[];
  /** The alerts that this check has sent. */
  readonly told: readonly { readonly sink: string; readonly id: string; readonly event: Alert['event'] }[];
  /** The alerts that could not be sent; the next check tries again. */
  readonly failures: readonly AlertFailure[];
}

export interface AlertsOptions {
  readonly storage: StateStorage;
  /** Under which the state of the alerts is stored. */
  readonly id: string;
  readonly clock: Clock;
  readonly sinks: readonly AlertSink[];
  readonly thresholds?: WatchThresholds | undefined;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function parseKnown(value: unknown): Known | undefined {
  if (!isObject(value)) return undefined;
  const { id, severity, message, since, active, told } = value;
  if (typeof id !== 'string' || typeof message !== 'string' || !Number.isFinite(since) || !isTexts(told))
    return undefined;
  if ((severity !== 'warning' && severity !== 'critical') || typeof active !== 'boolean') return undefined;
  // Earlier releases called the condition of a continuous backup so.
  const known = id === 'following' ? 'continuous' : id;
  return { id: known, severity, message, since: Number(since), active, told };
}

function parseState({ known, claim }: Readonly<Record<string, unknown>>): AlertState | undefined {
  if (!Array.isArray(known)) return undefined;
  const parsed = known.map(parseKnown).filter((item) => item !== undefined);
  if (parsed.length !== known.length) return undefined;
  if (!isObject(claim)) return claim === undefined ? { known: parsed } : undefined;
  const { run, beat } = claim;
  if (typeof run !== 'string' || typeof beat !== 'number') return undefined;
  return { known: parsed, claim: { run, beat } };
}

/** What is remembered after a check that has found `conditions`. */
function merged(known: readonly Known[], conditions: readonly Condition[], now: number): Known[] {
  const current = new Map(conditions.map((condition) => [condition.id, condition]));
  const before = new Set(known.map(({ id }) => id));
  return [
    ...known.map((item) => {
      const condition = current.get(item.id);
      if (condition === undefined) return { ...item, active: false };
      // One that comes back before its end was sent has not ended for any sink.
      if (item.active) return item;
      const { severity, message } = condition;
      return { ...item, severity, message, active: true };
    }),
    ...conditions
      .filter(({ id }) => !before.has(id))
      .map(({ id, severity, message }) => ({ id, severity, message, since: now, active: true, told: [] })),
  ];
}

interface Task {
  readonly item: Known;
  readonly sink: AlertSink;
}

/** Sends alerts when conditions begin and when they end: once to each sink, whichever process sees it. */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #state: SharedState<AlertState>;
  readonly #watch: ClaimWatch;

  /** @throws SecureStoreError `INVALID_ARGUMENT` if two sinks have the same name */
  constructor(options: AlertsOptions) {
    const { storage, id, clock, sinks } = options;
    if (new Set(sinks.map(({ name }) => name)).size < sinks.length) {
      refuse('the names of the sinks for alerts must differ');
    }
    const kind: StateKind<AlertState> = { what: 'the state of the alerts', version: 1, parse: parseState };
    this.#options = options;
    this.#state = new SharedState(storage, clock, id, kind);
    this.#watch = new ClaimWatch(clock);
  }

  /**
   * Judges the facts, and sends each sink what it doesn't know yet. To be called often, by any number of processes: while one
   * sends, the others don't. What a process had sent before it died may be sent again; no alert is lost as long as a process
   * checks.
   *
   * Never throws: what went wrong is in the report, and the conditions in any case.
   */
  async check(facts: WatchFacts): Promise<AlertReport> {
    const { thresholds, clock } = this.#options;
    const conditions = conditionsOf(facts, thresholds);
    const adviceOf = new Map(conditions.map(({ id, advice }) => [id, advice]));
    const run = randomUUID();
    const stop = new AbortController();
    const over = new AbortController();
    const told: { sink: string; id: string; event: Alert['event'] }[] = [];
    const failures: AlertFailure[] = [];
    try {
      const tasks = await this.#claim(run, conditions, facts.now);
      if (tasks.length === 0) return { conditions, told, failures };
      void clock.sleep(TELL_WITHIN, over.signal).then(
        () =>
          stop.abort(new SecureStoreError('TIMEOUT', `the alerts took longer than ${TELL_WITHIN / 1000} s to send`)),
        () => undefined,
      );
      const tell = async ({ item, sink }: Task): Promise<boolean> => {
        const { id, severity, message, since } = item;
        const event = item.active ? 'begin' : 'end';
        const words = item.active ? { message, advice: adviceOf.get(id) ?? '' } : ending(message);
        const alert: Alert = { id, event, severity, ...words, since, at: facts.now, facts };
        const error = await deliver(clock, stop.signal, sink.name, () => sink.send(alert, stop.signal));
        if (error === undefined) told.push({ sink: sink.name, id, event });
        else failures.push({ sink: sink.name, error });
        return error === undefined;
      };
      const tellAll = async (list: readonly Task[]): Promise<void> => {
        // If one could not be sent, the others would only take time.
        for (const task of list) if (!(await tell(task))) return;
      };
      await Promise.all([...Map.groupBy(tasks, ({ sink }) => sink).values()].map(tellAll));
      over.abort();
      await this.#conclude(run, told);
    } catch (error) {
      const message = 'the state of the alerts could not be read or written. Alerts may not have been sent.';
      failures.push({
        error: SecureStoreError.is(error) ? error : new SecureStoreError('INTERNAL', message, { cause: error }),
      });
    }
    return { conditions, told, failures };
  }

  /** Writes what has changed. @returns the alerts to send; none while another process sends them */
  async #claim(run: string, conditions: readonly Condition[], now: number): Promise<Task[]> {
    const { id, sinks } = this.#options;
    const names = new Set(sinks.map(({ name }) => name));
    let tasks: Task[] = [];
    await this.#state.update(({ value = { known: [] }, stored }) => {
      tasks = [];
      const { claim } = value;
      const mine = claim?.run === run;
      if (!mine && claim !== undefined && stored !== undefined && this.#watch.isHeld(id, claim, stored))
        return undefined;
      const known = merged(value.known, conditions, now).filter(
        ({ active, told }) => active || told.some((name) => names.has(name)),
      );
      const untold = known.flatMap((item) =>
        sinks.filter(({ name }) => item.told.includes(name) !== item.active).map((sink) => ({ item, sink })),
      );
      tasks = untold.toSorted(
        (a, b) => Number(b.item.severity === 'critical') - Number(a.item.severity === 'critical'),
      );
      if (mine) return undefined;
      if (tasks.length > 0) return { known, claim: { run, beat: 0 } };
      const unchanged = claim === undefined && JSON.stringify(known) === JSON.stringify(value.known);
      return unchanged ? undefined : { known };
    });
    return tasks;
  }

  /** Writes which sinks know of which conditions. */
  async #conclude(run: string, told: AlertReport['told']): Promise<void> {
    await this.#state.update(({ value }) => {
      if (value?.claim?.run !== run) return undefined;
      const known = value.known.map((item) => {
        const names = new Set(item.told);
        for (const { sink, id, event } of told) {
          if (id !== item.id) continue;
          if (event === 'begin') names.add(sink);
          else names.delete(sink);
        }
        return { ...item, told: [...names] };
      });
      return { known: known.filter(({ active, told: names }) => active || names.length > 0) };
    });
  }
}
