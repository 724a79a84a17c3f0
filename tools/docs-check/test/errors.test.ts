import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES, errorPageOf, exitCodeOf, SecureStoreError } from '@securestore/core-format';
import { statusOf } from '@securestore/protocol';
import { describe, expect, it } from 'vitest';

const root: URL = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, root)), 'utf8');

const [codes = '', rest = ''] = read('docs/errors.md').split('\n## Reasons\n');
const [reasons = ''] = rest.split('\n## Advice\n');

/** The first cells of a table that are code. */
function names(table: string): string[] {
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
}

/** The reasons are a type, so the source has the only list of them. */
function reasonsOfSource(): string[] {
  const [, union = ''] =
    /export type LockReason =\n([^]*?)\n\n/.exec(read('packages/core-format/src/errors/errors.ts')) ?? [];
  return [...union.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, reason = '']) => reason);
}

describe('docs/errors.md', () => {
  it('has a section for each code and no other, each a heading whose anchor is the code in lower case', () => {
    const headings = [...codes.matchAll(/^## `([A-Z_]+)`$/gm)].map(([, code = '']) => code);
    expect(headings.toSorted()).toEqual([...ERROR_CODES].toSorted());
    for (const code of ERROR_CODES)
      expect(errorPageOf(code)).toMatch(new RegExp(`/docs/errors\\.md#${code.toLowerCase()}$`));
  });

  it.each(ERROR_CODES)('has the exit code and the status of %s, whether it is retryable, and what to do', (code) => {
    const section = codes.split('\n## ').find((one) => one.startsWith(`\`${code}\`\n`)) ?? '';
    const isRetryable = new SecureStoreError(code, 'x').retryable;
    const also = code === 'CONFLICT' ? ', or 412 for a condition in a header' : '';
    const facts = `Exit code ${exitCodeOf(code)} · HTTP ${statusOf(code)}${also} · ${isRetryable ? '' : 'not '}retryable`;
    expect(section.split('\n')).toContain(facts);
    for (const part of ['Causes', 'Library', 'Command line']) expect(section).toContain(`\n- **${part}:** `);
  });

  it('has each reason and no other', () => {
    expect(reasonsOfSource().length).toBeGreaterThan(10);
    expect(names(reasons).toSorted()).toEqual(reasonsOfSource().toSorted());
  });
});
