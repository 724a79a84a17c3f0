import { tokenOf } from '@securestore/core-format';
import type { Finding } from '@securestore/objects';
import type { VerifiedRecords } from '@securestore/objects/internal';
import type { Copier } from './copier.ts';

/** How often everything that was copied is read. */
const MAX_LOOKS = 3;

/** What mending a copy works with. */
interface MendPorts {
  readonly copier: Copier;
  /** Reads everything that was copied. @param payloads of which objects payloads are read there */
  readonly verify: (payloads: (token: string) => boolean) => Promise<VerifiedRecords>;
  /** Follows what has changed in the store. */
  readonly follow: () => Promise<void>;
  /** Told how many names were not the same. */
  readonly onCorrected: (names: number) => void;
}

/**
 * Brings once more what is wrong: it may be so in the copy alone, or where a change is still to be followed.
 *
 * @returns the objects that it is about
 */
async function bringAgain(
  findings: readonly Finding[],
  { copier, follow, onCorrected }: MendPorts,
): Promise<ReadonlySet<string>> {
  const payloads = findings.flatMap(({ kind, name }) => (kind === 'payload' ? [name] : []));
  const again = (part: string): boolean => payloads.some((name) => part.startsWith(name));
  const tokens = new Set(findings.flatMap(({ name }) => tokenOf(name) ?? []));
  for (const token of tokens) onCorrected(await copier.syncToken(token, 'nothing', again));
  await copier.finish();
  await follow();
  return tokens;
}

/**
 * Reads everything that was copied, and mends what is wrong.
 *
 * @param payloads of which objects payloads are read there
 * @returns what is still wrong
 */
export async function mendCopy(payloads: (token: string) => boolean, ports: MendPorts): Promise<VerifiedRecords> {
  let seen = await ports.verify(payloads);
  for (let looks = 1; seen.found > 0 && looks < MAX_LOOKS; looks++) {
    const { findings, found } = seen;
    const tokens = await bringAgain(findings, ports);
    // Of what was found only so much is told: the rest shows when that is mended.
    if (found > findings.length) {
      seen = await ports.verify(payloads);
      continue;
    }
    const known = new Set(findings.map(({ name }) => name));
    const later = await ports.verify((token) => tokens.has(token));
    // What was not found before has been changed since, and is followed yet.
    const left = later.findings.filter(({ name }) => known.has(name));
    seen = { findings: left, found: left.length };
  }
  return seen;
}
