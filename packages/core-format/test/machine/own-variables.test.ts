import { expect, it } from 'vitest';
import { withoutOwn } from '../../src/index.ts';

it('withoutOwn takes out every variable of this program, and where its credentials lie', () => {
  const env = {
    SECURESTORE_PASSPHRASE: 'x',
    securestore_token: 'y',
    SECURESTORE_URL: 'z',
    SECURE: 'kept',
    CREDENTIALS_DIRECTORY: '/run/credentials',
    HOME: '/h',
  };
  expect(withoutOwn(env)).toEqual({ SECURE: 'kept', HOME: '/h' });
});
