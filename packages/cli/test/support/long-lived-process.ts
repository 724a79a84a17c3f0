// One of the processes in the life of a store: `long-lived-process.ts <url> <key file> <prefix> <calls> <end>`. Each call waits for its
// entry in the audit log. By `killed` it dies at once, with a write under way; by `closed` it ends as programs do.
import { keyFile, openStore } from 'securestore';

const [url = '', key = '', prefix = '', calls = '0', end = ''] = process.argv.slice(2);
const store = await openStore(url, { unlock: keyFile(key), anchor: false, maintenance: false });
await store.store(`${prefix}/own`, prefix);
for (let at = 1; at < Number(calls); at++) {
  // Mostly reads, as in most lives.
  if (at % 10 === 0) await store.store(`shared/${at}`, prefix);
  else await store.retrieve(`${prefix}/own`);
}
process.stdout.write('done\n');
if (end === 'killed') {
  void store.store(`${prefix}/cut`, 'x').catch(() => {});
  setImmediate(() => process.kill(process.pid, 'SIGKILL'));
} else {
  await store.close();
}
