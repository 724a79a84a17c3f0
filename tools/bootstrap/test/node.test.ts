import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findNode, installedNode, isEnough } from '../node.mjs';

describe('isEnough', () => {
  it.each([
    ['18.0.0', false],
    ['24.6.9', false],
    ['24.7.0', true],
    ['24.21.0', true],
    ['25.0.0', true],
    ['26.1.0-nightly', true],
  ])('%s: %s', (version, enough) => {
    expect(isEnough(version)).toBe(enough);
  });
});

describe('findNode', () => {
  it('passes over an installed Node that does not run', () => {
    const root = mkdtempSync(join(tmpdir(), 'securestore-bootstrap-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const node = installedNode(root);
    mkdirSync(dirname(node), { recursive: true });
    writeFileSync(node, 'cut short', { mode: 0o755 });
    expect(findNode(root)).toBe(process.execPath);
  });
});
