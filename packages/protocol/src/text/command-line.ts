import { shellWord } from '@securestore/core-format';

/** A moment of a backup; without both the newest. */
interface Point {
  readonly at?: string | undefined;
  readonly snapshot?: number | undefined;
}

/** What of the store is meant; without both everything. */
interface Part {
  readonly prefix?: string | undefined;
  readonly keys?: readonly string[] | undefined;
}

/** What somebody asks for in the console. */
export type CommandRequest =
  | { readonly type: 'snapshots'; readonly destination: string; readonly windows?: boolean }
  | (Point &
      Part & {
        readonly type: 'restore';
        readonly destination: string;
        readonly into?: string | undefined;
        /** The URL of a new store. */
        readonly to?: string | undefined;
        readonly conflict?: string | undefined;
        readonly deleteExtra?: boolean | undefined;
        readonly dryRun?: boolean | undefined;
        readonly verify?: boolean | undefined;
      })
  | (Point & {
      /** The value of one key as of a point. */
      readonly type: 'value';
      readonly destination: string;
      readonly key: string;
    })
  | (Point &
      Pick<Part, 'prefix'> & {
        /** A folder of files, as of a point. */
        readonly type: 'download';
        readonly destination: string;
      })
  | (Point & {
      readonly type: 'browse';
      readonly destination?: string | undefined;
      readonly prefix?: string | undefined;
    })
  | (Point & {
      readonly type: 'find';
      readonly contains: string;
      readonly destination?: string | undefined;
      readonly prefix?: string | undefined;
    })
  | {
      readonly type: 'compare';
      readonly destination: string;
      readonly from: Point;
      readonly to?: Point | undefined;
      readonly prefix?: string | undefined;
    }
  | { readonly type: 'versions'; readonly key: string; readonly destination?: string | undefined }
  | { readonly type: 'get' | 'info' | 'history'; readonly key: string }
  | { readonly type: 'backup' | 'drill' | 'verify-backup' | 'retention'; readonly destination: string }
  | { readonly type: 'approve' | 'deny'; readonly id: string }
  /** A receipt that was saved, which the store has signed or not. */
  | { readonly type: 'receipt'; readonly file: string }
  /** Takes the secret of the store, so it is for where the store is unlocked. */
  | { readonly type: 'rotate'; readonly depth?: 'unlock' | 'keys' | 'data' | undefined }
  /** The newest entries of the audit log, or those about one object. */
  | { readonly type: 'audit'; readonly object?: string | undefined }
  | { readonly type: 'health' | 'keys' | 'audit-examine' | 'schedules' | 'destinations' | 'approvals' };

type Value = string | number | boolean | readonly string[] | undefined;

/** What a command is given: its name and operands, and its options by their names. */
export interface Command {
  readonly operands: readonly string[];
  readonly options?: Readonly<Record<string, Value>>;
}

function optionWords(name: string, value: Value): string[] {
  if (value === undefined || value === false) return [];
  if (value === true) return [`--${name}`];
  const values = typeof value === 'object' ? value : [String(value)];
  // What begins like an option would be taken for one.
  return values.flatMap((one) => (one.startsWith('-') || one === '' ? [`--${name}=${one}`] : [`--${name}`, one]));
}

function pointOptions({ at, snapshot }: Point, prefix = ''): Record<string, Value> {
  return { [`${prefix}at`]: at, [`${prefix}snapshot`]: snapshot };
}

function restoreCommand(request: Extract<CommandRequest, { readonly type: 'restore' }>): Command {
  const { destination, prefix, keys, into, to, conflict, deleteExtra, dryRun, verify } = request;
  const options = {
    ...pointOptions(request),
    prefix,
    key: keys,
    into,
    to,
    conflict,
    'delete-extra': deleteExtra,
    'dry-run': dryRun,
    check: verify,
  };
  return { operands: ['restore', destination], options };
}

function commandOf(request: CommandRequest): Command {
  switch (request.type) {
    case 'restore':
      return restoreCommand(request);
    case 'snapshots':
      return { operands: ['snapshots', request.destination], options: { windows: request.windows } };
    case 'value':
      return {
        operands: ['restore', request.destination],
        options: { ...pointOptions(request), key: request.key, stdout: true },
      };
    case 'download':
      return {
        operands: ['restore', request.destination],
        options: { ...pointOptions(request), prefix: request.prefix, folder: 'restored' },
      };
    case 'browse':
      return {
        operands: ['browse', ...(request.destination === undefined ? [] : [request.destination])],
        options: { ...pointOptions(request), prefix: request.prefix },
      };
    case 'find':
      return {
        operands: ['find', request.contains, ...(request.destination === undefined ? [] : [request.destination])],
        options: { ...pointOptions(request), prefix: request.prefix },
      };
    case 'compare':
      return {
        operands: ['compare', request.destination],
        options: {
          ...pointOptions(request.from, 'from-'),
          ...pointOptions(request.to ?? {}, 'to-'),
          prefix: request.prefix,
        },
      };
    case 'versions':
      return { operands: ['history', request.key], options: { backup: request.destination } };
    case 'get':
    case 'info':
    case 'history':
      return { operands: [request.type, request.key] };
    case 'backup':
    case 'drill':
    case 'retention':
      return { operands: [request.type, request.destination] };
    case 'verify-backup':
      return { operands: ['verify', request.destination] };
    case 'approve':
    case 'deny':
      return { operands: [request.type, request.id] };
    case 'receipt':
      return { operands: ['receipt', request.file] };
    case 'rotate':
      return { operands: ['rotate'], options: { depth: request.depth } };
    case 'health':
      return { operands: ['health'] };
    case 'keys':
      return { operands: ['key', 'list'] };
    case 'destinations':
      return { operands: ['destination', 'list'] };
    case 'audit':
      return { operands: ['audit', 'log'], options: { key: request.object } };
    case 'audit-examine':
      return { operands: ['audit', 'examine'] };
    case 'schedules':
      return { operands: ['schedule', 'list'] };
    case 'approvals':
      return { operands: ['approval', 'list'] };
    default:
      return request satisfies never;
  }
}

/**
 * The command that does what somebody asks for in the console, as a line for a POSIX shell. Who asks is said by `$SECURESTORE_TOKEN`.
 *
 * @param options.store where the server is, such as `https://vault.example.com`; without it `$SECURESTORE_URL` says so
 */
export function commandLine(request: CommandRequest, { store }: { readonly store?: string | undefined } = {}): string {
  const { operands, options = {} } = commandOf(request);
  return shellCommand({ operands, options: { ...options, store: request.type === 'rotate' ? undefined : store } });
}

/** Words of a command line as a line for a POSIX shell. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** A command of `securestore` as a line for a POSIX shell. */
export function shellCommand({ operands, options = {} }: Command): string {
  const [verb = '', ...rest] = operands;
  const words = Object.entries(options).flatMap(([name, value]) => optionWords(name, value));
  // Operands that begin like an option come after all that are some.
  const isOdd = rest.some((one) => one.startsWith('-') || one === '');
  const all = isOdd ? [verb, ...words, '--', ...rest] : [verb, ...rest, ...words];
  return shellWords(['securestore', ...all]);
}
