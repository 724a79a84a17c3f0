import { OFFICIAL_BACKENDS } from '@securestore/backend-api';
import { expect, test } from 'vitest';
import definition from '../src/index.ts';

test('its schemes, and no others, lead to this package', () => {
  const leading = [...OFFICIAL_BACKENDS].filter(([, name]) => name === '@securestore/backend-gcs');
  expect(leading.map(([scheme]) => scheme).toSorted()).toEqual([...definition.schemes].toSorted());
});
