import type { ListEntry } from '@securestore/backend-api';
import type { CheckpointEntry } from '@securestore/core-format';
import { afterToken, AREAS, blobsPrefix, historyPrefix, splitUnderToken } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Baseline, Expectation } from '../../checkpoint/baseline.ts';
import { joinByToken } from '../../util/merge-by-token.ts';
import type { Engine } from '../../engine/engine.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import { entriesUnder, pagesUnder } from '../../util/listing.ts';
import type { LookOptions } from './blobs.ts';
import type { ListedBlobs, Look } from './inspect-object.ts';
import { lookAtObject } from './inspect-object.ts';
import type { Finding, Stray } from './report.ts';

const OBJECTS_AT_ONCE = 16;

/** So many objects that seem wrong are looked at again together. */
const SUSPECTS_AT_ONCE = 1000;

/** How often an object that seems wrong in another way each time is looked at. */
const MAX_LOOKS = 6;

/** What is certain of one object: it was so each time that it was looked at. */
export interface Certain {
  readonly token: string;
  readonly findings: readonly Finding[];
  readonly strays: readonly Stray[];
  readonly expected: Expectation;
}

/** So many objects, and no longer than so many milliseconds. */
export interface LookAhead {
  readonly objects: number;
  readonly milliseconds: number;
}

/** What all objects of a pass share. */
export interface Pass {
  readonly engine: Engine;
  readonly baseline: Baseline;
  readonly options: LookOptions;
  /** The token after which to begin. */
  readonly after?: string | undefined;
  /** Whether payloads that no version names are looked for, too: that lists every part there is. */
  readonly orphans?: boolean | undefined;
  /** How long others are looked at, after the first that seems wrong, before it is looked at again. */
  readonly lookAhead?: LookAhead | undefined;
  /** Whether something that was found is told of elsewhere already: it is left out, and not looked at again. */
  readonly isKnown?: ((finding: Finding) => boolean) | undefined;
  /** Told of each object that was looked at, in their order, and how many bytes of payloads were read for it. */
  readonly onLook: (look: Look, bytes: number) => void;
  /** Told of what is wrong for certain. */
  readonly onCertain: (certain: Certain) => Promise<void>;
  /** Told of a token up to which everything has been told. */
  readonly onSettled?: ((token: string) => Promise<void>) | undefined;
  /** Told of names in the areas of objects that no store makes. */
  readonly onForeign: (name: string) => void;
}

/** An object that seems wrong, and how. */
interface Suspect extends Pick<Look, 'findings' | 'strays'> {
  readonly token: string;
}

interface History {
  readonly token: string;
  /** Newest first. */
  readonly names: string[];
}

interface Parts {
  readonly token: string;
  readonly blobs: ListedBlobs;
}

/** What an area holds after a token, in order. */
function entriesAfter({ engine, options }: Pass, area: string, after: string | undefined): AsyncGenerator<ListEntry> {
  const from = after === undefined ? undefined : afterToken(area, after);
  return entriesUnder(engine.backend, area, { after: from, signal: options.signal });
}

async function* listedTokens(pass: Pass): AsyncGenerator<{ token: string }> {
  for await (const { key } of entriesAfter(pass, AREAS.objects, pass.after)) {
    yield { token: key.slice(AREAS.objects.length) };
  }
}

/** Groups of what an area holds by token, in the order of their tokens, as `.` sorts below all bytes of a token. */
async function* grouped<G extends { readonly token: string }>(
  pass: Pass,
  area: string,
  begin: (token: string) => G,
  add: (group: G, rest: string, entry: ListEntry) => void,
): AsyncGenerator<G> {
  let group: G | undefined;
  for await (const entry of entriesAfter(pass, area, pass.after)) {
    const split = splitUnderToken(area, entry.key);
    if (split === undefined) {
      pass.onForeign(entry.key);
      continue;
    }
    const { token, rest } = split;
    if (group !== undefined && group.token !== token) yield group;
    if (group?.token !== token) group = begin(token);
    add(group, rest, entry);
  }
  if (group !== undefined) yield group;
}

const noHistory = (token: string): History => ({ token, names: [] });

function listedHistories(pass: Pass): AsyncGenerator<History> {
  return grouped(pass, AREAS.history, noHistory, ({ names }, _, { key }) => void names.push(key));
}

function addPart(blobs: Map<string, { modified: number; bytes: number }>, rest: string, entry: ListEntry): void {
  const [id = ''] = rest.split('/', 1);
  const { modified, bytes } = blobs.get(id) ?? { modified: 0, bytes: 0 };
  blobs.set(id, { modified: Math.max(modified, entry.modified), bytes: bytes + entry.size });
}

type PartGroup = { readonly token: string; readonly blobs: Map<string, { modified: number; bytes: number }> };

const noParts = (token: string): PartGroup => ({ token, blobs: new Map() });

function listedParts(pass: Pass): AsyncGenerator<Parts> {
  return grouped(pass, AREAS.blobs, noParts, ({ blobs }, rest, entry) => addPart(blobs, rest, entry));
}

async function* nothing(): AsyncGenerator<Parts> {}

/** The history of an object as it is now, newest first. */
export async function historyNames(engine: Engine, token: string, signal: AbortSignal | undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pagesUnder(engine.backend, historyPrefix(token), signal)) names.push(...page);
  return names;
}

async function partsOf({ engine, options }: Pass, token: string): Promise<ListedBlobs> {
  const blobs = new Map<string, { modified: number; bytes: number }>();
  const prefix = blobsPrefix(token);
  for await (const entry of entriesUnder(engine.backend, prefix, { signal: options.signal })) {
    addPart(blobs, entry.key.slice(prefix.length), entry);
  }
  return blobs;
}

/** Without what is told of elsewhere. */
function unknownOf({ isKnown }: Pass, look: Look): Look {
  if (isKnown === undefined || look.findings.length === 0) return look;
  return { ...look, findings: look.findings.filter((finding) => !isKnown(finding)) };
}

/** Looks at an object once more. Whatever came before the version that is current now is in its history by then. */
async function lookAgain(pass: Pass, token: string): Promise<Look & { readonly expected: Expectation }> {
  const { engine, baseline, options, orphans } = pass;
  const expected = await baseline.lookUp(token);
  const history = (): Promise<string[]> => historyNames(engine, token, options.signal);
  const subject = { token, history, expected, ...(orphans === true && { parts: () => partsOf(pass, token) }) };
  return { ...unknownOf(pass, await lookAtObject(engine, subject, options)), expected };
}

const isSame = (a: Pick<Look, 'findings' | 'strays'>, b: Pick<Look, 'findings' | 'strays'>): boolean =>
  JSON.stringify([a.findings, a.strays]) === JSON.stringify([b.findings, b.strays]);

const seemsWrong = ({ findings, strays }: Pick<Look, 'findings' | 'strays'>): boolean =>
  findings.length > 0 || strays.length > 0;

/**
 * Looks again at what seems wrong, once nothing is under way any more that was then. What seems wrong in another way each
 * time is being changed, as by a purge.
 */
async function confirm(pass: Pass, suspects: readonly Suspect[]): Promise<void> {
  const { engine, baseline, options } = pass;
  let left = suspects;
  for (let looks = 2; left.length > 0; looks++) {
    await engine.watcher.settle(options.signal);
    await baseline.follow();
    const again: Suspect[] = [];
    for (const suspect of left) {
      const { findings, strays, expected } = await lookAgain(pass, suspect.token);
      const { token } = suspect;
      if (!seemsWrong({ findings, strays })) continue;
      if (looks === MAX_LOOKS || isSame({ findings, strays }, suspect)) {
        await pass.onCertain({ token, findings, strays, expected });
      } else again.push({ token, findings, strays });
    }
    left = again;
  }
}

/** Objects that seem wrong, until they are looked at again. */
class Suspects {
  readonly #pass: Pass;
  #list: Suspect[] = [];
  #since = 0;
  /** When the first of them was noted. */
  #begun: Instant | undefined;

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** @returns whether none is left */
  async note(suspect: Suspect): Promise<boolean> {
    if (seemsWrong(suspect)) this.#list.push(suspect);
    if (this.#list.length === 0) return true;
    const { engine, lookAhead = { objects: Infinity, milliseconds: Infinity } } = this.#pass;
    this.#since += 1;
    this.#begun ??= instant(engine.clock);
    const isDue =
      this.#list.length >= SUSPECTS_AT_ONCE ||
      this.#since > lookAhead.objects ||
      elapsedSince(this.#begun, engine.clock) > lookAhead.milliseconds;
    if (isDue) await this.settle();
    return isDue;
  }

  async settle(): Promise<void> {
    await confirm(this.#pass, this.#list);
    this.#list = [];
    this.#since = 0;
    this.#begun = undefined;
  }
}

/**
 * Looks at every object, in the order of their tokens, and at what the checkpoint says of those that are gone. Writers may
 * go on meanwhile: what seems wrong is looked at again 6 s later. In memory are a page of each listing and some objects.
 *
 * @throws SecureStoreError what keeps it from looking, such as `UNAVAILABLE`, `ABORTED`
 */
export async function passOver(pass: Pass): Promise<void> {
  const { engine, baseline, options, orphans, after, onLook, onSettled } = pass;
  const joined = joinByToken<{
    entry: CheckpointEntry;
    listed: { token: string };
    history: History;
    parts: Parts;
  }>({
    entry: baseline.entries(after),
    listed: listedTokens(pass),
    history: listedHistories(pass),
    parts: orphans === true ? listedParts(pass) : nothing(),
  });
  const looks = mapConcurrently(joined, OBJECTS_AT_ONCE, async ({ token, entry, history, parts }) => {
    const expected = baseline.expect(token, entry);
    const names = async (): Promise<string[]> => history?.names ?? [];
    const blobs = parts?.blobs ?? new Map();
    const subject = { token, history: names, expected, ...(orphans === true && { parts: async () => blobs }) };
    let bytes = 0;
    const onBytes = (more: number): void => {
      bytes += more;
      options.onBytes(more);
    };
    const look = unknownOf(pass, await lookAtObject(engine, subject, { ...options, onBytes }));
    return { token, look, bytes: () => bytes };
  });
  const suspects = new Suspects(pass);
  for await (const { token, look, bytes } of looks) {
    options.signal?.throwIfAborted();
    const wait = engine.watcher.acknowledge(options.signal);
    if (wait !== undefined) await wait;
    onLook(look, bytes());
    const { findings, strays } = look;
    if (await suspects.note({ token, findings, strays })) await onSettled?.(token);
  }
  await suspects.settle();
}
