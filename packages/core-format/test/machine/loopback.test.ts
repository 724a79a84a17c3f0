import { describe, expect, it } from 'vitest';
import { isLoopback } from '../../src/index.ts';

describe('this machine', () => {
  it.each(['localhost', '127.0.0.1', '127.8.9.10', '::1', '[::1]'])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each([
    '',
    '0.0.0.0',
    '::',
    '[::]',
    '127.0.0.1.example.com',
    '127.0.0',
    '10.0.0.1',
    'localhost.example.com',
    '128.0.0.1',
  ])('is not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
