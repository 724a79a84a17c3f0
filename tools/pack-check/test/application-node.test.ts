import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { adviceOnNode } from '../src/application-node.ts';

/** Makes a Node of a version in a folder. */
async function node(folder: string, version: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o700 });
  return folder;
}

/** Folders for a checkout and an application. */
async function folders(): Promise<{ root: string; application: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-node-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [root, application] = [join(folder, 'checkout'), join(folder, 'app')];
  await mkdir(application);
  return { root, application };
}

it.each([
  ['v20.19.2', 'The Node there is v20.19.2, and the packages need >=24.7.'],
  ['v24.6.9', 'The Node there is v24.6.9,'],
  ['v24.7.0', undefined],
  ['v26.0.1', undefined],
])('an application with Node %s is told what to do only if that is too old', async (version, told) => {
  const { root, application } = await folders();
  const bin = await node(join(root, 'node_modules', '.bin'), 'v24.9.0');
  const users = await node(join(root, '..', 'usr'), version);
  const settings = { root, path: [bin, users].join(delimiter), range: '>=24.7', own: join(bin, 'node') };
  const lines = await adviceOnNode(settings, application);
  if (told === undefined) expect(lines).toEqual([]);
  else expect(lines).toEqual([expect.stringContaining(told), `export PATH='${bin}':"$PATH"`]);
});

it('the Node that an application has installed is the one that counts, and none at all is said', async () => {
  const { root, application } = await folders();
  const settings = { root, path: join(root, 'bin'), range: '>=24.7', own: join(root, 'bin', 'node') };
  expect((await adviceOnNode(settings, application))[0]).toContain('There is no Node, and the packages need >=24.7.');
  await node(join(application, 'node_modules', '.bin'), 'v25.0.0');
  expect(await adviceOnNode(settings, application)).toEqual([]);
});
