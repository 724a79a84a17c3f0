/**
 * `npm start`, `npm test` and `npm run bench` on a checkout in any state: installs what the lock file names, builds,
 * and runs the command under the Node that the packages need. It imports nothing that has to be installed, and this
 * file keeps to syntax that a Node too old for the rest can parse, so that it can say so.
 */
const OLDEST_NODE = 18;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  console.error(
    'securestore: this checkout sets itself up with Node ' +
      OLDEST_NODE +
      ' or newer, and this is Node ' +
      process.versions.node +
      '. Install a current Node and run the same command again.',
  );
  process.exitCode = 1;
} else {
  const { run } = await import('./run.mjs');
  process.exitCode = await run(process.argv[2], process.argv.slice(3));
}
