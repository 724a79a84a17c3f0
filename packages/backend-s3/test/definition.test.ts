import { OFFICIAL_BACKENDS } from '@securestore/backend-api';
import { expect, test } from 'vitest';
import definition from '../src/index.ts';

test('its scheme, and no other, leads to this package', () => {
  const leading = [...OFFICIAL_BACKENDS].filter(([, name]) => name === '@securestore/backend-s3');
  expect(leading.map(([scheme]) => scheme)).toEqual(definition.schemes);
});
