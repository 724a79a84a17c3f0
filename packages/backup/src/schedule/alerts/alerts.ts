import { randomUUID } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Claim, Clock, StateKind, StateStorage } from '@securestore/jobs';
import { ClaimWatch, isObject, LAPSES_AFTER, SharedState } from '@securestore/jobs';
import { refuse } from '../../repository/errors.ts';
import type { Condition, WatchThresholds } from './conditions.ts';
import { conditionsOf } from './conditions.ts';
import { deliver } from './deliver.ts';
import type { WatchFacts } from './facts.ts';

/** How long one check may take to tell everybody, in milliseconds: less than its claim lasts. */
const TELL_WITHIN = LAPSES_AFTER - 15_000;

/** What somebody is told. */
export interface Alert extends Condition {
  readonly event: 'begin' | 'end';
  /** When the condition was first seen, in milliseconds since 1970. */
  readonly since: number;
  /** When it was told. */
  readonly at: number;
  /** As of now. */
  readonly facts: WatchFacts;
}

/** Somebody who is told. */
export interface AlertSink {
  /** Never given to another sink: what was told to whom is remembered under it. */
  readonly name: string;
  /** @throws SecureStoreError if it could not be told; one that is `retryable` is tried again */
  send(alert: Alert, signal: AbortSignal): Promise<void>;
}

/** A condition, and who knows of it. */
interface Known extends Condition {
  readonly since: number;
  /** Whether it goes on. One that is over is kept until everybody who knows of it knows that. */
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
  /** What was told by this check. */
  readonly told: readonly { readonly sink: string; readonly id: string; readonly event: Alert['event'] }[];
  /** What could not be told; the next check tries again. */
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
  return { id, severity, message, since: Number(since), active, told };
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

/** What is known once `conditions` are as they are now. */
function merged(known: readonly Known[], conditions: readonly Condition[], now: number): Known[] {
  const current = new Map(conditions.map((condition) => [condition.id, condition]));
  const before = new Set(known.map(({ id }) => id));
  return [
    ...known.map((item) => {
      const condition = current.get(item.id);
      if (condition === undefined) return { ...item, active: false };
      // One that comes back before its end was told has not ended for anybody who knows of it.
      return item.active ? item : { ...item, ...condition, active: true };
    }),
    ...conditions
      .filter(({ id }) => !before.has(id))
      .map((condition) => ({ ...condition, since: now, active: true, told: [] })),
  ];
}

interface Task {
  readonly item: Known;
  readonly sink: AlertSink;
}

/** Tells sinks when conditions begin and when they end: each sink once, whichever process sees it. */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #state: SharedState<AlertState>;
  readonly #watch: ClaimWatch;

  /** @throws SecureStoreError `INVALID_ARGUMENT` if two sinks have the same name */
  constructor(options: AlertsOptions) {
    const { storage, id, clock, sinks } = options;
    if (new Set(sinks.map(({ name }) => name)).size < sinks.length) {
      refuse(
        'two sinks for alerts have the same name: give them different ones, since it is remembered which was told',
      );
    }
    const kind: StateKind<AlertState> = { what: 'the state of the alerts', version: 1, parse: parseState };
    this.#options = options;
    this.#state = new SharedState(storage, clock, id, kind);
    this.#watch = new ClaimWatch(clock);
  }

  /**
   * Judges what is known, and tells each sink what it doesn't know yet. To be called often, by any number of processes:
   * while one tells, others leave it to it. A process that dies in the middle may have told what is told again; nothing is
   * left untold as long as somebody checks.
   *
   * Never throws: what went wrong is in the report, and the conditions in any case.
   */
  async check(facts: WatchFacts): Promise<AlertReport> {
    const { thresholds, clock } = this.#options;
    const conditions = conditionsOf(facts, thresholds);
    const run = randomUUID();
    const stop = new AbortController();
    const over = new AbortController();
    const told: { sink: string; id: string; event: Alert['event'] }[] = [];
    const failures: AlertFailure[] = [];
    try {
      const tasks = await this.#claim(run, conditions, facts.now);
      if (tasks.length === 0) return { conditions, told, failures };
      void clock.sleep(TELL_WITHIN, over.signal).then(
        () => stop.abort(new SecureStoreError('TIMEOUT', 'there was no time left to tell all alerts')),
        () => undefined,
      );
      const tell = async ({ item, sink }: Task): Promise<boolean> => {
        const { id, severity, message, since } = item;
        const event = item.active ? 'begin' : 'end';
        const alert: Alert = { id, event, severity, message, since, at: facts.now, facts };
        const error = await deliver(clock, stop.signal, sink.name, () => sink.send(alert, stop.signal));
        if (error === undefined) told.push({ sink: sink.name, id, event });
        else failures.push({ sink: sink.name, error });
        return error === undefined;
      };
      const tellAll = async (list: readonly Task[]): Promise<void> => {
        // If one could not be told, the others would only take their time.
        for (const task of list) if (!(await tell(task))) return;
      };
      await Promise.all([...Map.groupBy(tasks, ({ sink }) => sink).values()].map(tellAll));
      over.abort();
      await this.#conclude(run, told);
    } catch (error) {
      const message = 'the state of the alerts could not be read or written: nobody may have been told';
      failures.push({
        error: SecureStoreError.is(error) ? error : new SecureStoreError('INTERNAL', message, { cause: error }),
      });
    }
    return { conditions, told, failures };
  }

  /** Writes what has changed, and what there is to tell as long as nobody else tells it. */
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

  /** Writes who knows what now. */
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
