const cleanups: (() => Promise<void> | void)[] = [];

/** Registers what is to be done when the test has ended, in reverse order. */
export function atEnd(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup);
}

/** Does what was registered. */
export async function cleanUp(): Promise<void> {
  for (let next = cleanups.pop(); next !== undefined; next = cleanups.pop()) await next();
}
