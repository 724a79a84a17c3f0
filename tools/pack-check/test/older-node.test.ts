import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { publishablePackages } from '../src/pack.ts';
import { LONG } from '../../campaigns/src/size.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** Makes a Node like one that is too old: its version, and what it lacks that fails while modules are linked. */
const OLDER = `data:text/javascript,
import crypto from 'node:crypto';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
delete crypto.argon2;
syncBuiltinESMExports();
Object.defineProperty(process.versions, 'node', { value: '20.20.2' });
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'node:sqlite') throw new Error('No such built-in module: node:sqlite');
    return next(specifier, context);
  },
});`;

/** Is files for a browser and where they are: it needs nothing of Node, and whoever serves it says what that needs. */
const PAGES = '@securestore/console';

/** What each package says as it is imported by its name. */
function importedBy(names: readonly string[], ...flags: readonly string[]): unknown {
  const script = `
    const said = {};
    for (const name of ${JSON.stringify(names)}) {
      said[name] = await import(name).then(() => 'imported', ({ code, message }) => code + ' ' + message);
    }
    console.log(JSON.stringify(said));`;
  const argv = ['--conditions=@securestore/source', ...flags, '--input-type=module', '--eval', script];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8' });
  expect(stderr.replaceAll(/^.*Warning.*$/gm, '').trim()).toBe('');
  return JSON.parse(stdout);
}

it('every published package says which Node it needs, as soon as an older one imports it', async () => {
  const packages = [...(await publishablePackages(root)).values()].map(({ name }) => name);
  expect(packages).toContain('securestore');
  expect(packages).toContain(PAGES);
  const needed = 'UNSUPPORTED securestore needs Node 24.7 or newer, got Node 20.20.2';
  expect(importedBy(packages, '--import', OLDER)).toEqual(
    Object.fromEntries(packages.map((name) => [name, name === PAGES ? 'imported' : needed])),
  );
});

it.each(['24.7.0', ...(LONG ? ['24.21.0', '25.0.0', '100.0.0'] : [])])(
  'and lets itself be imported by %s',
  (version) => {
    const pretend = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
    expect(importedBy(['securestore'], '--import', pretend)).toEqual({ securestore: 'imported' });
  },
);

it.each(['24.6.9', ...(LONG ? ['23.99.0', '18.0.0'] : [])])('and not by %s', (version) => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  expect(importedBy(['securestore'], '--import', pretend)).toEqual({
    securestore: `UNSUPPORTED securestore needs Node 24.7 or newer, got Node ${version}`,
  });
});
