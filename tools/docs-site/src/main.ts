/* `npm run docs [-- --serve]`: builds the site of the documentation into tools/docs-site/dist, or serves it while pages change. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { glob, mkdir, readFile, rm, writeFile, copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { npmCommand } from '../../pack-check/src/npm-command.ts';
import { outlineOf } from './outline.ts';
import { isOnSite, pageForSite } from './page.ts';

const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));
const SITE: string = fileURLToPath(new URL('../site', import.meta.url));
const DOCS: string = join(ROOT, 'docs');
const PAGES: string = join(SITE, 'pages');

/** The public packages, in the order of the API reference. */
const PACKAGES: readonly string[] = [
  'securestore',
  'objects',
  'acl',
  'audit',
  'backup',
  'health',
  'migrate',
  'jobs',
  'client',
  'server',
  'backend-api',
  'backend-testkit',
  'keyv',
  'unstorage',
];

const { values } = parseArgs({ options: { serve: { type: 'boolean', default: false } } });
process.exitCode = await build(values.serve);

async function build(serve: boolean): Promise<number> {
  if (!existsSync(join(SITE, 'node_modules'))) {
    console.log('installing what the site is built with (once, about 350 MB) …');
    const code = await run(...npmCommand(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']));
    if (code !== 0) return code;
  }
  console.log('preparing pages …');
  await preparePages();
  console.log('describing the public packages (TypeDoc) …');
  const described = await tool('typedoc/bin/typedoc', typedocArguments());
  if (described !== 0) return described;
  const [command, done] = serve
    ? (['dev', ''] as const)
    : (['build', 'the site is in tools/docs-site/dist/site'] as const);
  const code = await tool('vitepress/bin/vitepress.js', [command, SITE]);
  if (code === 0 && done !== '') console.log(done);
  return code;
}

async function preparePages(): Promise<void> {
  await rm(PAGES, { recursive: true, force: true });
  for await (const path of glob('**/*', { cwd: DOCS })) {
    if (!isOnSite(path)) continue;
    const target = join(PAGES, path.replace(/README\.md$/, 'index.md'));
    await mkdir(dirname(target), { recursive: true });
    if (path.endsWith('.md')) await writeFile(target, pageForSite(await readFile(join(DOCS, path), 'utf8'), path));
    else await copyFile(join(DOCS, path), target);
  }
  const outline = outlineOf(await readFile(join(DOCS, 'README.md'), 'utf8'));
  await writeFile(join(SITE, '.vitepress/outline.json'), JSON.stringify(outline));
}

function typedocArguments(): string[] {
  const entries = PACKAGES.map((name) => join(ROOT, 'packages', name, 'src/index.ts'));
  const options = {
    out: join(PAGES, 'public/api'),
    name: 'securestore',
    tsconfig: join(ROOT, 'tsconfig.docs.json'),
    readme: 'none',
  };
  const named = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return [...named, '--skipErrorChecking', '--excludePrivate', '--excludeInternal', '--hideGenerator', ...entries];
}

/** A program of the site's own dependencies, under the Node of this process. */
function tool(program: string, args: readonly string[]): Promise<number> {
  return run(process.execPath, [join(SITE, 'node_modules', program), ...args]);
}

async function run(program: string, args: readonly string[]): Promise<number> {
  const [code] = (await once(spawn(program, args, { cwd: SITE, stdio: 'inherit' }), 'close')) as [number | null];
  return code ?? 1;
}
