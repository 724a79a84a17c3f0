import { SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import type { Call } from '../../src/call/call.ts';
import { ownHintsOf } from '../../src/errors/refuse.ts';
import { whileServed } from '../../src/store/served.ts';

const REFUSED = 'the credentials are wrong, have expired or were revoked';

/** The error of a remote store as a call reports it that has a token of its own, or of the environment. */
async function told(error: Error, { token, env = {} }: { token?: string; env?: Record<string, string> }) {
  const call = { cli: { env }, options: { token } } as unknown as Call;
  const use = async (): Promise<void> => {
    throw error;
  };
  try {
    await whileServed(call, use);
  } catch (caught) {
    const { advice, message } = caught as SecureStoreError;
    return { message, advice, hints: ownHintsOf(caught).map(({ text }) => text) };
  }
  throw new Error('nothing was refused');
}

it('a token that was revoked after the store was opened is not asked for', async () => {
  const error = new SecureStoreError('UNAUTHENTICATED', REFUSED, { advice: [{ id: 'give-credentials' }] });
  const refused = 'was refused; ask an administrator of the store for a new one';
  const env = { SECURESTORE_TOKEN: 'sst_x' };
  expect(await told(error, { env })).toEqual({
    message: REFUSED,
    advice: undefined,
    hints: [`the token of $SECURESTORE_TOKEN ${refused}`],
  });
  expect(await told(error, { token: 'sst_y', env })).toMatchObject({ hints: [`the token of --token ${refused}`] });
  // A certificate was refused.
  expect(await told(error, {})).toMatchObject({ advice: [{ id: 'give-credentials' }], hints: [] });
  expect(await told(new SecureStoreError('NOT_FOUND', 'x'), { env })).toMatchObject({ message: 'x', hints: [] });
});
