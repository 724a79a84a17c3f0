/** A name that is against the table of terms. */
export interface Violation {
  readonly at: string;
  readonly word: string;
  /** The word to use instead. */
  readonly say: string;
}

/** A place where a word of {@link TERMS} is meant otherwise, or can't be changed. */
export interface Exception {
  /** What {@link Violation.at} has to match. */
  readonly at: RegExp;
  readonly reason: string;
}

interface Term {
  readonly say: string;
  /** Against the words of a name, in lower case with a space between them. */
  readonly not: RegExp;
}

/** The terms of the project: what is said, and which words of names it takes the place of. */
const TERMS: readonly Term[] = [
  { say: 'usage', not: /\bcensus\b/ },
  { say: 'gc', not: /\bcollect(?:s|ed|ion|ions)?\b/ },
  { say: 'maintenance', not: /\bupkeep\b/ },
  { say: 'foreign object', not: /\bstrays?\b/ },
  { say: 'finding, alert or failure', not: /\b(?:problems?|alarms?|warnings?|troubles?)\b/ },
  { say: 'continuous backup', not: /\b(?:follow(?:s|ing|er|ers)?|ship(?:s|ped|ping)?)\b/ },
  { say: 'recovery point', not: /(?<!\brecovery )\bpoints?\b|\bmoments?\b/ },
  { say: 'store URL', not: /\blocations?\b/ },
  { say: 'store URL, destination, source or target', not: /\b(?:places?|where it was|where it is)\b/ },
  { say: 'migrate', not: /\b(?:move[sd]?|moving|old side|keep in line)\b/ },
  { say: 'finalize or fail back', not: /\b(?:retire[sd]?|reclaim(?:able|s|ed|ing)?)\b/ },
  { say: 'rollback', not: /\baccept head\b/ },
  { say: 'store ID or instance ID', not: /\blineage\b|\binstances?\b(?! ids?\b)/ },
  { say: 'rotate, rewrap or re-encrypt', not: /\b(?:renew(?:s|ed|al)?|re ?key(?:s|ed)?|reseal(?:s|ed)?|anew)\b/ },
  { say: 'encrypt or decrypt', not: /\b(?:un)?seal(?:s|ed|ing)?\b|\bopened\b/ },
  { say: 'principal name', not: /\b(?:parse|fold) identity\b/ },
  { say: 'owner', not: /\broot\b(?! keys?\b)/ },
  { say: 'category or area', not: /\bgroups?\b/ },
  { say: 'close or cancel', not: /\bstop(?:s|ped|ping)?\b/ },
  { say: 'undelete', not: /\b(?:recover|bring back|bury)\b/ },
];

/** The words of a name: of `acceptHead` "accept head", of `/v1/key-versions` "v1 key versions". */
export function wordsOf(name: string): string {
  return name
    .replaceAll(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, ' ')
    .replaceAll(/[^A-Za-z\d]+/g, ' ')
    .trim()
    .toLowerCase();
}

/** The words of names that are against {@link TERMS}. */
export function violationsIn(names: readonly { readonly at: string; readonly name: string }[]): Violation[] {
  return names.flatMap(({ at, name }) => {
    const words = wordsOf(name);
    return TERMS.flatMap(({ say, not }) => {
      const word = not.exec(words)?.[0];
      return word === undefined ? [] : [{ at, word, say }];
    });
  });
}

/** What no exception excuses, one a line. */
export function unexcused(violations: readonly Violation[], exceptions: readonly Exception[]): string[] {
  return violations
    .filter(({ at }) => !exceptions.some((one) => one.at.test(at)))
    .map(({ at, word, say }) => `${at}: say ${say}, not "${word}"`);
}
