import type { ListEntry } from '@securestore/backend-api';
import type { CheckpointEntry } from '@securestore/core-format';
import { blobsPrefix, historyPrefix } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Baseline, Expectation } from '../../checkpoint/baseline.ts';
import { joinByToken } from '../../util/merge-by-token.ts';
import type { Engine } from '../../engine/engine.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import { entriesUnder, namesUnder } from '../../util/listing.ts';
import type { ObjectArea } from '../gc/merge-listings.ts';
import { TokenMerge } from '../gc/merge-listings.ts';
import type { LookOptions } from './blobs.ts';
import type { ListedBlobs, Look } from './inspect-object.ts';
import { lookAtObject } from './inspect-object.ts';
import type { Finding } from './report.ts';

const OBJECTS_AT_ONCE = 16;

/** So many objects that seem wrong are looked at again together. */
const SUSPECTS_AT_ONCE = 1000;

/** How often an object that seems wrong in another way each time is looked at. */
const MAX_LOOKS = 6;

/** An object that seems wrong, and how. */
interface Suspect extends Pick<Look, 'findings' | 'strays'> {
  readonly token: string;
}

/** What is certain of one object: it was so each time that it was looked at. */
export interface Certain extends Suspect {
  readonly expected: Expectation;
}

/** So many objects, and no longer than so many milliseconds. */
export interface LookAhead {
  readonly objects: number;
  readonly milliseconds: number;
}

/** What all objects of a pass share. */
export interface VerifyPass {
  readonly engine: Engine;
  readonly baseline: Baseline;
  readonly options: LookOptions;
  /** The token after which to begin. */
  readonly after?: string | undefined;
  /** Whether payloads that no version names are looked for, too: that lists every part there is. */
  readonly orphans?: boolean | undefined;
  /** How long others are looked at, after the first that seems wrong, before it is looked at again. */
  readonly lookAhead?: LookAhead | undefined;
  /** Whether something that was found is reported elsewhere already: it is left out, and not looked at again. */
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

/** What the areas of objects hold under one token. */
interface Listed {
  readonly token: string;
  /** The names of its history, newest first. */
  readonly history: readonly string[];
  readonly blobs: ListedBlobs;
}

type Parts = Map<string, { modified: number; bytes: number }>;

function addPart(blobs: Parts, rest: string, entry: ListEntry): void {
  const [id = ''] = rest.split('/', 1);
  const { modified, bytes } = blobs.get(id) ?? { modified: 0, bytes: 0 };
  blobs.set(id, { modified: Math.max(modified, entry.modified), bytes: bytes + entry.size });
}

/** All objects that are listed, in the order of their tokens. */
async function* listed({ engine, options, after, orphans, onForeign }: VerifyPass): AsyncGenerator<Listed> {
  const areas: readonly ObjectArea[] = orphans === true ? ['objects', 'history', 'blobs'] : ['objects', 'history'];
  const merge = new TokenMerge(engine.backend, after, ({ key }) => onForeign(key), options.signal, areas);
  for (let token = await merge.next(); token !== undefined; token = await merge.next()) {
    const history: string[] = [];
    for await (const { entry } of merge.of('history')) history.push(entry.key);
    const blobs: Parts = new Map();
    for await (const { rest, entry } of merge.of('blobs')) addPart(blobs, rest, entry);
    yield { token, history, blobs };
  }
}

/** The history of an object as it is now, newest first. */
export function historyNames({ backend }: Engine, token: string, signal: AbortSignal | undefined): Promise<string[]> {
  return namesUnder(backend, historyPrefix(token), signal);
}

async function partsOf({ engine, options }: VerifyPass, token: string): Promise<ListedBlobs> {
  const blobs: Parts = new Map();
  const prefix = blobsPrefix(token);
  for await (const entry of entriesUnder(engine.backend, prefix, { signal: options.signal })) {
    addPart(blobs, entry.key.slice(prefix.length), entry);
  }
  return blobs;
}

/** Without what is reported elsewhere. */
function unknownOf({ isKnown }: VerifyPass, look: Look): Look {
  if (isKnown === undefined || look.findings.length === 0) return look;
  return { ...look, findings: look.findings.filter((finding) => !isKnown(finding)) };
}

/** Looks at an object once more. Whatever came before the version that is current now is in its history by then. */
async function lookAgain(pass: VerifyPass, token: string): Promise<Look & { readonly expected: Expectation }> {
  const { engine, baseline, options, orphans } = pass;
  const expected = await baseline.lookUp(token);
  const history = (): Promise<string[]> => historyNames(engine, token, options.signal);
  const subject = { token, history, expected, ...(orphans === true && { parts: () => partsOf(pass, token) }) };
  return { ...unknownOf(pass, await lookAtObject(engine, subject, options)), expected };
}

const isSameLook = (a: Pick<Look, 'findings' | 'strays'>, b: Pick<Look, 'findings' | 'strays'>): boolean =>
  JSON.stringify([a.findings, a.strays]) === JSON.stringify([b.findings, b.strays]);

const seemsWrong = ({ findings, strays }: Pick<Look, 'findings' | 'strays'>): boolean =>
  findings.length > 0 || strays.length > 0;

/**
 * Looks again at what seems wrong, once nothing is under way any more that was then. What seems wrong in another way each
 * time is being changed, as by a purge.
 */
async function confirm(pass: VerifyPass, suspects: readonly Suspect[]): Promise<void> {
  const { engine, baseline, options } = pass;
  let left = suspects;
  for (let looks = 2; left.length > 0; looks++) {
    await engine.monitor.quiesce(options.signal);
    await baseline.follow();
    const again: Suspect[] = [];
    for (const suspect of left) {
      const { findings, strays, expected } = await lookAgain(pass, suspect.token);
      const { token } = suspect;
      if (!seemsWrong({ findings, strays })) continue;
      if (looks === MAX_LOOKS || isSameLook({ findings, strays }, suspect)) {
        await pass.onCertain({ token, findings, strays, expected });
      } else again.push({ token, findings, strays });
    }
    left = again;
  }
}

/** Objects that seem wrong, until they are looked at again. */
class Suspects {
  readonly #pass: VerifyPass;
  #list: Suspect[] = [];
  #since = 0;
  /** When the first of them was noted. */
  #begun: Instant | undefined;

  constructor(pass: VerifyPass) {
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
export async function passOver(pass: VerifyPass): Promise<void> {
  const { engine, baseline, options, orphans, after, onLook, onSettled } = pass;
  const joined = joinByToken<{ entry: CheckpointEntry; found: Listed }>({
    entry: baseline.entries(after),
    found: listed(pass),
  });
  const looks = mapConcurrently(joined, OBJECTS_AT_ONCE, async ({ token, entry, found }) => {
    const expected = baseline.expect(token, entry);
    const history = async (): Promise<readonly string[]> => found?.history ?? [];
    const blobs: ListedBlobs = found?.blobs ?? new Map();
    const subject = { token, history, expected, ...(orphans === true && { parts: async () => blobs }) };
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
    await engine.monitor.acknowledge(options.signal);
    onLook(look, bytes());
    const { findings, strays } = look;
    if (await suspects.note({ token, findings, strays })) await onSettled?.(token);
  }
  await suspects.settle();
}
