import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../../services/src/ports.ts';
import { foldersForPlugin } from '../src/plugin-check.ts';

it('says that what the plugin needs can not be had, where no registry answers', async () => {
  const root = mkdtempSync(join(tmpdir(), 'securestore-plugin-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'examples/backend-leveldb'), { recursive: true });
  const dependencies = { '@securestore/backend-api': '*', 'classic-level': '^0.0.1' };
  writeFileSync(join(root, 'examples/backend-leveldb/package.json'), JSON.stringify({ dependencies }));
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('XDG_CACHE_HOME', root);
  vi.stubEnv('npm_config_registry', `http://127.0.0.1:${await freePort()}/`);
  vi.stubEnv('npm_config_fetch_retries', '0');
  vi.stubEnv('npm_config_cache', join(root, 'npm'));
  await expect(foldersForPlugin(root)).rejects.toThrow('ECONNREFUSED');
});
