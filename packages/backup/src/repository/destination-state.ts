import { asBuffer, BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import type { StateKind, StoredState } from '@securestore/jobs';
import { SharedState } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { withFallback } from './errors.ts';
import { openState } from './run-state-files.ts';

/** The state in which a store remembers something about a destination. @param what the state is of, for messages */
export function stateAbout<T extends object>(
  { states, clock }: BackupArea,
  name: string,
  destination: Uint8Array,
  what: string,
  parse: StateKind<T>['parse'],
): SharedState<T> {
  const id = `${name} ${asBuffer(destination).toString('hex')}`;
  return new SharedState(states, clock, id, { what: `the state of ${what}`, version: 1, parse });
}

/** Remembers something if possible: a caller without the right to write states has done the work all the same. */
export async function rememberIfPossible(work: () => Promise<void>): Promise<void> {
  await withFallback((error) => SecureStoreError.is(error), undefined, work);
}

/** What is kept of a {@link SealedState}, in Base64. */
export interface Sealed {
  readonly sealed: string;
}

/** What a {@link SealedState} says. */
interface Unsealed<T> {
  readonly value: T | undefined;
  /** Whether it is sealed under a key that was replaced. */
  readonly isOld: boolean;
}

/** A state about a destination, sealed with the keys of backups, since every member has the key of the store's states. */
export class SealedState<T> {
  readonly shared: SharedState<Sealed>;
  readonly #area: BackupArea;
  readonly #destination: Uint8Array;
  /** Binds what is sealed to what it is; no file has this name. */
  readonly #context: string;
  readonly #parse: (value: unknown) => T | undefined;

  constructor(
    area: BackupArea,
    name: string,
    destination: Uint8Array,
    what: string,
    parse: (value: unknown) => T | undefined,
  ) {
    this.#area = area;
    this.#destination = destination;
    this.#context = `${BACKUP_AREAS.work}${name}`;
    this.#parse = parse;
    this.shared = stateAbout(area, name, destination, what, ({ sealed }) =>
      typeof sealed === 'string' ? { sealed } : undefined,
    );
  }

  seal(value: object): Sealed {
    const text = Buffer.from(JSON.stringify(value));
    const body = this.#area.seals.seal('backupWork', this.#destination, this.#context, text);
    return { sealed: body.toString('base64') };
  }

  /** What a sealed state says; `undefined` if it is damaged. */
  async open({ sealed }: Sealed, signal?: AbortSignal): Promise<Unsealed<T> | undefined> {
    const body = Buffer.from(sealed, 'base64');
    const opened = await openState(this.#area.seals, this.#destination, this.#context, body, signal);
    return opened && { value: this.#parse(JSON.parse(opened.plaintext.toString('utf8'))), isOld: opened.isOld };
  }

  /** @throws as `SharedState.read` */
  async read(signal?: AbortSignal): Promise<(Unsealed<T> & { readonly stored: StoredState }) | undefined> {
    const { value, stored } = await this.shared.read(signal);
    const opened = value && (await this.open(value, signal));
    return opened && stored && { ...opened, stored };
  }
}
