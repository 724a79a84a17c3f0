import { SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { reportOf } from '../../src/errors/error-report.ts';
import { FLAGS, FLAGS_OF } from '../../src/options/option-flags.ts';
import { runHere } from '../support/in-process.ts';

const said = (message: string, option?: string): string =>
  reportOf(new SecureStoreError('INVALID_ARGUMENT', message, { option }), {}).message;

it.each([
  ['the option "tls.key" must be PEM', 'tls.key', 'the file of --tls-key must be PEM'],
  ['"k": the option "expires" must be in the future', 'expires', '"k": --expires must be in the future'],
  ['the option "at" needs the option "destination"', 'at', '--at needs the destination'],
  ['the option "limits.concurrency" must be a number', 'limits.concurrency', '--limit concurrency must be a number'],
])('an error about an option names the flag: %s', (message, option, shown) => {
  expect(said(message, option)).toBe(shown);
});

it.each([
  ['the option "signal" must be an AbortSignal', 'signal'],
  ['the option "constructor" must be a number', 'constructor'],
  ['the value is the option "at"', undefined],
])('an option without a flag, and a text that only reads like one, stay: %s', (message, option) => {
  expect(said(message, option)).toBe(message);
});

it('names flags that some command has', async () => {
  const { stdout } = await runHere(['help', '--json']);
  const flags = [FLAGS, ...Object.values(FLAGS_OF)]
    .flatMap(Object.values<string>)
    .flatMap((flag) => /--[a-z-]+/.exec(flag)?.[0] ?? []);
  expect(flags.length).toBeGreaterThan(40);
  expect(flags.filter((flag) => !new RegExp(`"${flag}"`).test(stdout))).toEqual([]);
});
