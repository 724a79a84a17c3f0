import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { NamedObject } from '@securestore/migrate';
import type { OwnHint } from '../errors/hints.ts';
import { refuse } from '../errors/refuse.ts';
import { isKnownToSteer, variableName } from '../options/environment.ts';
import { parseFolder } from '../call/parse-values.ts';

/** Which objects a command gets, and which names they may have there. */
export interface ExecOptions {
  readonly prefix?: string;
  readonly all?: boolean;
  readonly env?: readonly string[];
  readonly variables?: readonly string[];
}

/** {@link ExecOptions}, checked. */
export interface Scope {
  /** The folder whose objects the command gets: empty for all of the store, `undefined` for none but the named ones. */
  readonly folder: string | undefined;
  /** The key of an object by the variable that `--env` names for it. */
  readonly named: ReadonlyMap<string, string>;
  /** Whether `--env` names a variable. */
  readonly isNamed: (variable: string) => boolean;
  /** Variables that objects of the folder may become. */
  readonly names: ReadonlySet<string>;
  /** What such variables may begin with. */
  readonly beginnings: readonly string[];
}

/** An error names all objects that it is about, up to this number. */
const MAX_NAMED = 50;

/** These, up to a number that somebody can read. */
export function some(items: readonly string[]): string {
  const rest = items.length - MAX_NAMED;
  return `${items.slice(0, MAX_NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function parseNamed(pairs: readonly string[], same: (variable: string) => string): Pick<Scope, 'named' | 'isNamed'> {
  const named = new Map<string, string>();
  const before = new Set<string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    // The text is not repeated: somebody may take the option for one that takes a value.
    if (equals <= 0) refuse('--env must be NAME=KEY, such as DATABASE_URL=prod/database-url');
    const [variable, key] = [pair.slice(0, equals), pair.slice(equals + 1)];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
      refuse(`--env must name a variable of letters, digits and _, no digit first, got "${variable}"`);
    }
    if (before.has(same(variable))) refuse(`--env names $${variable} twice`);
    before.add(same(variable));
    try {
      parseStoreKey(key);
    } catch (error) {
      if (!SecureStoreError.is(error)) throw error;
      refuse(`--env ${variable}: ${error.message}`);
    }
    named.set(variable, key);
  }
  return { named, isNamed: (variable) => before.has(same(variable)) };
}

function parseNames(lists: readonly string[]): Pick<Scope, 'names' | 'beginnings'> {
  const given = lists.flatMap((list) => list.split(',')).map((name) => name.trim());
  for (const name of given) {
    if (/^(?:[A-Z_][A-Z0-9_]*|[A-Z][A-Z0-9_]*_\*)$/.test(name)) continue;
    refuse(`--variables must be names such as DATABASE_URL, or beginnings such as APP_*, got "${name}"`);
  }
  const beginnings = given.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return { names: new Set(given.filter((name) => !name.endsWith('*'))), beginnings };
}

/**
 * What the options say, before anything is opened.
 *
 * @param same what a variable is compared by
 * @throws `INVALID_ARGUMENT` if they say nothing, contradict each other, or one is malformed
 */
export function parseScope(options: ExecOptions, same: (variable: string) => string): Scope {
  const { prefix, all = false, env = [], variables } = options;
  const named = parseNamed(env, same);
  const names = parseNames(variables ?? []);
  if (prefix !== undefined) return { folder: parseFolder(prefix, 'give --all'), ...named, ...names };
  if (all) return { folder: '', ...named, ...names };
  if (variables !== undefined) refuse('--variables needs --prefix or --all');
  if (named.named.size > 0) return { folder: undefined, ...named, ...names };
  return refuse('exec needs --prefix, --all or --env', {
    text: 'give --env NAME=KEY for each object, or --variables NAME,… with --prefix PREFIX or --all',
  });
}

/** What is wrong with a variable that an object would become, if anything is. */
type Fault = 'unnamed' | 'known' | 'taken';

function faultOf(variable: string, scope: Scope, isTaken: boolean): Fault | undefined {
  const isNamed = scope.names.has(variable);
  if (!isNamed && !scope.beginnings.some((start) => variable.startsWith(start) && variable !== start)) return 'unnamed';
  if (!isNamed && isKnownToSteer(variable)) return 'known';
  return isTaken ? 'taken' : undefined;
}

const quoted = (objects: readonly NamedObject[]): string => some(objects.map(({ key }) => `"${key}"`));

const list = (variables: ReadonlyMap<string, readonly NamedObject[]>): string =>
  some([...variables].map(([variable, objects]) => `$${variable} (${quoted(objects)})`));

/** What to say of variables with a fault, each with the objects that would become it, and what to do. */
function sayFaults(faults: Readonly<Record<Fault | 'shared', ReadonlyMap<string, readonly NamedObject[]>>>): {
  readonly said: readonly string[];
  readonly hints: readonly OwnHint[];
} {
  const { unnamed, known, taken, shared } = faults;
  const said: string[] = [];
  const hints: OwnHint[] = [];
  if (unnamed.size > 0) {
    const harmless = [...unnamed.keys()].filter((variable) => !isKnownToSteer(variable));
    const copy =
      harmless.length === 0 || harmless.length > MAX_NAMED
        ? 'add those that the command is to get to --variables'
        : `if the command is to get them, add --variables ${harmless.join(',')}`;
    said.push(`--variables does not name ${list(unnamed)}`);
    hints.push({ text: `${copy}, or choose a narrower --prefix` });
  }
  if (known.size > 0) {
    said.push(`a pattern with * does not include variables by which programs find code or settings: ${list(known)}`);
  }
  if (taken.size > 0) {
    // Without the key: a shell would take a name such as `x; reboot` for a command if the line were copied.
    said.push(`already set: ${list(taken)}`);
    hints.push({ text: 'to replace a variable that is set, give --env NAME=KEY for it' });
  }
  if (shared.size > 0) {
    said.push(`several objects would be one variable: ${list(shared)}`);
    hints.push({ text: 'to choose one of several objects, give --env NAME=KEY for it' });
  }
  return { said, hints };
}

/**
 * The key of the object for each variable. Names come from the command line: whoever may write an object chooses the value of a
 * variable, and never which variable that is.
 *
 * @param below the objects of the folder
 * @param isTaken whether the command has a variable already
 * @throws `INVALID_ARGUMENT` naming every object whose variable nobody named, is set already, or is that of another one
 */
export function variablesFor(
  scope: Scope,
  below: readonly NamedObject[],
  isTaken: (variable: string) => boolean,
): Map<string, string> {
  const named = new Set(scope.named.values());
  const found = Map.groupBy(
    below.filter(({ key }) => !named.has(key)),
    ({ name }) => variableName(name),
  );
  const faults = { unnamed: new Map(), known: new Map(), taken: new Map(), shared: new Map() };
  const variables = new Map(scope.named);
  for (const [variable, objects] of [...found].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    if (scope.isNamed(variable)) continue;
    const fault = faultOf(variable, scope, isTaken(variable)) ?? (objects.length > 1 ? 'shared' : undefined);
    if (fault !== undefined) faults[fault].set(variable, objects);
    else if (objects[0] !== undefined) variables.set(variable, objects[0].key);
  }
  const { said, hints } = sayFaults(faults);
  if (said.length > 0) refuse(`the command was not started: ${said.join('; ')}`, ...hints);
  return variables;
}
