/** A write whose body follows from its `id` and `size`. */
export interface WriteStep {
  readonly do: 'write';
  /** From 1, and no two writes of a log have the same. */
  readonly id: number;
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  readonly ifAbsent?: true;
  readonly ifMatch?: EtagOf;
}

export interface DeleteStep {
  readonly do: 'delete';
  readonly key: string;
  readonly ifMatch?: EtagOf;
}

/** The etag that the write of this id was given; an etag that nobody was given for {@link NOBODYS}. */
export type EtagOf = number;
export const NOBODYS: EtagOf = 0;

/** One call of a backend as plain data: the same on every backend, and fit for a line of JSON. */
export type Call =
  | WriteStep
  | DeleteStep
  | { readonly do: 'read'; readonly key: string; readonly start?: number; readonly end?: number }
  | { readonly do: 'list'; readonly prefix: string; readonly after?: string; readonly limit?: number }
  | { readonly do: 'deleteMany'; readonly keys: readonly string[] }
  | { readonly do: 'batch'; readonly steps: readonly (WriteStep | DeleteStep)[] };

/** A call through one of two handles, or closing both and opening them again. */
export type Operation = (Call & { readonly handle: 0 | 1 }) | { readonly do: 'reopen' };

/** A line of JSON for each operation. */
export function formatOperations(operations: readonly Operation[]): string {
  return operations.map((operation) => `${JSON.stringify(operation)}\n`).join('');
}

/** The operations of {@link formatOperations}; space around lines and empty lines don't matter. */
export function parseOperations(text: string): Operation[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => JSON.parse(line) as Operation);
}

/** The keys that a call changes or looks at; `undefined` for a listing, which looks at many. */
export function keysOf(operation: Operation): readonly string[] | undefined {
  switch (operation.do) {
    case 'write':
    case 'delete':
    case 'read':
      return [operation.key];
    case 'deleteMany':
      return operation.keys;
    case 'batch':
      return operation.steps.map(({ key }) => key);
    default:
      return undefined;
  }
}
