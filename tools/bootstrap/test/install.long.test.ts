import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SetupError } from '../errors.mjs';
import { ensureInstalled as ensure } from '../install.mjs';

/** Without what npm says. */
const ensureInstalled = (root: string): Promise<void> => ensure(root, 'ignore');

/** A checkout in small: one dependency, whose tarball lies beside it, so that npm needs no registry. */
function makeCheckout(): string {
  const root = mkdtempSync(join(tmpdir(), 'securestore-bootstrap-'));
  mkdirSync(join(root, 'dep'));
  writeFileSync(join(root, 'dep/package.json'), JSON.stringify({ name: 'dep', version: '1.0.0' }));
  const npm = (...args: string[]): Buffer => execFileSync('npm', args, { cwd: root });
  npm('pack', './dep', '--silent');
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ name: 'checkout', private: true, dependencies: { dep: 'file:dep-1.0.0.tgz' } }),
  );
  npm('install', '--package-lock-only', '--offline', '--silent');
  return root;
}

describe('ensureInstalled', () => {
  let made: string;
  let root: string;
  const installed = (): boolean => existsSync(join(root, 'node_modules/dep/package.json'));
  /** From here on an attempt to run npm is a failure. */
  const forbidNpm = (): void => {
    vi.stubEnv('npm_execpath', undefined);
    vi.stubEnv('PATH', join(root, 'no-such-folder'));
  };

  beforeAll(() => {
    made = makeCheckout();
  });
  afterAll(() => rmSync(made, { recursive: true, force: true }));
  beforeEach(() => {
    vi.stubEnv('npm_config_offline', 'true');
    vi.spyOn(console, 'error').mockReturnValue();
    root = mkdtempSync(join(tmpdir(), 'securestore-bootstrap-'));
    cpSync(made, root, { recursive: true });
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(root, { recursive: true, force: true });
  });

  it('installs a fresh checkout, and does nothing the next times', async () => {
    await ensureInstalled(root);
    expect(installed()).toBe(true);
    forbidNpm();
    await ensureInstalled(root);
    await ensureInstalled(root);
  });

  it('installs again when the lock file changed', async () => {
    await ensureInstalled(root);
    writeFileSync(join(root, 'package-lock.json'), '\n', { flag: 'a' });
    forbidNpm();
    await expect(ensureInstalled(root)).rejects.toThrow(SetupError);
  });

  it('heals an install that was interrupted before its end', async () => {
    mkdirSync(join(root, 'node_modules/dep'), { recursive: true });
    await ensureInstalled(root);
    expect(installed()).toBe(true);
  });

  it('heals a folder from which a package was lost', async () => {
    await ensureInstalled(root);
    rmSync(join(root, 'node_modules/dep'), { recursive: true });
    await ensureInstalled(root);
    expect(installed()).toBe(true);
  });

  it('installs once for two commands at once', async () => {
    await Promise.all([ensureInstalled(root), ensureInstalled(root)]);
    expect(installed()).toBe(true);
    expect(vi.mocked(console.error).mock.calls.filter(([line]) => String(line).includes('installing'))).toHaveLength(1);
  });

  it('says in one line that npm is missing, and takes up where it was once npm is there', async () => {
    forbidNpm();
    await expect(ensureInstalled(root)).rejects.toThrow(/^npm was not found.*$/);
    vi.unstubAllEnvs();
    await ensureInstalled(root);
    expect(installed()).toBe(true);
  });

  it('says what to do when npm fails, and tries again the next time', async () => {
    writeFileSync(join(root, 'package-lock.json'), '{ cut short');
    await expect(ensureInstalled(root)).rejects.toThrow(/"npm ci" failed .* run the same command again/);
    await expect(ensureInstalled(root)).rejects.toThrow(SetupError);
  });
});
