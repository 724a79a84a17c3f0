import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

/** What the bundler has itself for syntax that is written out. */
const HELPERS = '@oxc-project/runtime/';

/**
 * Puts the modules of a package into one file, with one more for each that is loaded only when it is needed, and for what its
 * further entries share with it. Nothing is minified, renamed or taken from other packages: it is the source without types and
 * comments, in the order in which it runs. Comments are a quarter of it, and Node would read them at each start. `using` alone
 * is written out, with a helper of the bundler: a Node that can't parse it could not say that it is too old.
 *
 * @param {string} folder - of the package
 */
async function bundlePackage(folder) {
  const entries = ['index', 'internal', 'lazy', 'main', 'surface', 'testing', 'worker'].filter((name) =>
    existsSync(join(folder, `src/${name}.ts`)),
  );
  const input = Object.fromEntries(entries.map((name) => [name, join(folder, `src/${name}.ts`)]));
  const dist = join(folder, 'dist');
  const bundle = await rolldown({
    input,
    platform: 'node',
    preserveEntrySignatures: 'strict',
    external: (id) => !/^[./]/.test(id) && !id.startsWith(folder) && !id.startsWith(HELPERS),
    transform: { target: 'es2024' },
  });
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: '[name].js',
    minify: false,
    comments: { jsdoc: false },
  });
  await bundle.close();
  // Only then, so that whoever runs it meanwhile finds all of it.
  const written = new Set(output.map(({ fileName }) => fileName));
  for (const name of readdirSync(dist)) {
    if (/\.js(?:\.map)?$/.test(name) && !written.has(name)) rmSync(join(dist, name));
  }
  const pages = join(folder, 'vite.config.ts');
  if (existsSync(pages)) await buildPages(pages);
}

/**
 * Builds what a package has for browsers. As above, what was there before goes only when all of it is there.
 *
 * @param {string} configFile
 */
async function buildPages(configFile) {
  // Else tests would get other pages than users do.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  const { default: config } = await import(pathToFileURL(configFile).href);
  const built = await build({ ...config, configFile: false });
  if (!('output' in built)) throw new Error(`${configFile} must build once, into one folder`);
  const written = new Set(built.output.map(({ fileName }) => fileName));
  const assets = join(config.build.outDir, 'assets');
  for (const name of readdirSync(assets)) if (!written.has(`assets/${name}`)) rmSync(join(assets, name));
}

/** @param {string} root - of the repository */
async function bundleAll(root) {
  const packages = join(root, 'packages');
  await Promise.all(readdirSync(packages).map((name) => bundlePackage(join(packages, name))));
}

// `bundle.mjs --all ROOT` for every package; without arguments for the package of the working directory.
const [flag, root] = process.argv.slice(2);
await (flag === '--all' && root !== undefined ? bundleAll(root) : bundlePackage(process.cwd()));
