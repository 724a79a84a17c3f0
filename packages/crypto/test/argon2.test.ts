import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Makes a Node like one that is too old: without Argon2. */
const WITHOUT_ARGON2 = `data:text/javascript,
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
delete crypto.argon2;
syncBuiltinESMExports();`;

it('is missed by saying which Node is needed, as soon as the package is imported', () => {
  const entry = new URL('../src/index.ts', import.meta.url).href;
  const script = `import(${JSON.stringify(entry)}).then(() => console.log('imported'), (error) => console.log(error.code, error.message))`;
  const argv = ['--conditions=@securestore/source', '--import', WITHOUT_ARGON2, '--eval', script];
  const { stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect(stdout).toBe(`UNSUPPORTED securestore needs Node 24.7 or newer, and this is Node ${process.versions.node}\n`);
});
