// A process that moves a store: `mover.ts <from> <to>`. It prints each phase as it begins, and the report.
import { migrateStore, rawKey } from '../../src/index.ts';

const [from = '', to = ''] = process.argv.slice(2);
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const job = migrateStore(from, to, { unlock: rawKey(Buffer.alloc(32, 7)) });
let before = '';
for await (const { phase } of job.progress) {
  if (phase !== before) say({ phase });
  before = phase;
}
say({ report: await job });
