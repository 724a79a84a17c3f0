import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { linkCommand, linkNode } from '../link.mjs';

describe('linkCommand', () => {
  it("replaces npm's link by a command for the right Node, and leaves the source file alone", () => {
    const root = mkdtempSync(join(tmpdir(), "securestore's bootstrap-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const source = 'console.log(process.argv.slice(2).join(","));\n';
    mkdirSync(join(root, 'packages/cli/bin'), { recursive: true });
    mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
    const manifest = { type: 'module', bin: { securestore: './bin/securestore.js' } };
    writeFileSync(join(root, 'packages/cli/package.json'), JSON.stringify(manifest));
    writeFileSync(join(root, 'packages/cli/bin/securestore.js'), source);
    const link = join(root, 'node_modules/.bin/securestore');
    symlinkSync('../../packages/cli/bin/securestore.js', link);

    linkCommand(root, process.execPath);
    linkCommand(root, process.execPath);

    expect(execFileSync(link, ['get', 'a b'], { encoding: 'utf8', env: { PATH: '' } })).toBe('get,a b\n');
    expect(readFileSync(join(root, 'packages/cli/bin/securestore.js'), 'utf8')).toBe(source);
  });
});

describe('a checkout', () => {
  it('has the same commands after it was moved, also where they are reached through a link', () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-bootstrap-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const root = join(folder, 'before');
    const node = join(root, 'node_modules/node-of-here/bin/node');
    for (const part of ['packages/cli/bin', 'node_modules/.bin', 'node_modules/node-of-here/bin']) {
      mkdirSync(join(root, part), { recursive: true });
    }
    symlinkSync(process.execPath, node);
    writeFileSync(join(root, 'packages/cli/package.json'), JSON.stringify({ bin: { securestore: './bin/main.cjs' } }));
    writeFileSync(join(root, 'packages/cli/bin/main.cjs'), 'console.log(process.argv[2]);\n');
    linkNode(root, node);
    linkCommand(root, node);

    const bin = join(folder, 'after/node_modules/.bin');
    renameSync(root, join(folder, 'after'));
    symlinkSync(join(bin, 'securestore'), join(folder, 'link'));
    for (const command of [join(bin, 'securestore'), join(folder, 'link')]) {
      expect(execFileSync(command, ['ls'], { encoding: 'utf8' })).toBe('ls\n');
    }
    expect(realpathSync(join(bin, 'node'))).toBe(realpathSync(process.execPath));
  });
});

describe('linkNode', () => {
  it.each(['nothing', 'a broken link', 'another program'])('replaces %s by the right Node', (before) => {
    const root = mkdtempSync(join(tmpdir(), 'securestore-bootstrap-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    mkdirSync(join(root, 'node_modules/.bin'), { recursive: true });
    const link = join(root, 'node_modules/.bin/node');
    if (before === 'a broken link') symlinkSync('../nowhere', link);
    if (before === 'another program') symlinkSync('/bin/sh', link);

    linkNode(root, process.execPath);
    linkNode(root, process.execPath);

    expect(realpathSync(link)).toBe(realpathSync(process.execPath));
  });
});
