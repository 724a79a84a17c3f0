import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { AREAS } from './areas.ts';
import { installRivals } from './install-rivals.ts';
import { describeMachine } from './machine.ts';
import type { MeasuredArea } from './measure/model.ts';
import { withTables } from './report.ts';
import { renderSummary, summaryOf } from './summary.ts';
import { renderArea } from './table.ts';

const USAGE = `npm run bench -- [area…] [--json] [--write] [--quick]
areas: ${Object.keys(AREAS).join(' ')} (default all)
--json   print the numbers as JSON
--write  write them to docs/benchmarks.md, where the tables of other areas stay
--quick  a small run that shows that everything works; its numbers mean nothing`;
/** The share of the work that `--quick` does. */
const QUICK = 1 / 1024;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    write: { type: 'boolean' },
    quick: { type: 'boolean' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(AREAS);
const unknown = names.filter((name) => AREAS[name] === undefined);
if (values.help === true) console.log(USAGE);
else if (unknown.length > 0) {
  console.error(`There is no area ${unknown.join(', ')}.\n${USAGE}`);
  process.exitCode = 2;
} else await bench();

async function bench(): Promise<void> {
  await installRivals(console.error);
  const machine = describeMachine();
  const areas: MeasuredArea[] = [];
  for (const name of names) {
    const area = await measureApart(name).catch((error: unknown) => {
      console.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    });
    if (area === undefined) continue;
    areas.push(area);
    // At once: it took minutes, and the next area may fail.
    if (values.write === true) await write(machine, [area]);
  }
  if (values.json === true) console.log(JSON.stringify({ machine, areas }, null, 2));
  else console.log([`${machine}\n`, renderSummary(summaryOf(areas)), ...areas.map(renderArea)].join('\n'));
}

/** Each area has a process of its own, so that none inherits another's heap or compiled code. */
async function measureApart(name: string): Promise<MeasuredArea> {
  const scratch = await mkdtemp(join(tmpdir(), 'securestore-bench-'));
  const program = fileURLToPath(new URL('./run-area.ts', import.meta.url));
  const scale = String(values.quick === true ? QUICK : 1);
  try {
    const running = promisify(execFile)(process.execPath, ['--expose-gc', program, name, scale, scratch], {
      maxBuffer: 2 ** 24,
    });
    running.child.stderr?.pipe(process.stderr);
    return JSON.parse((await running).stdout) as MeasuredArea;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function write(machine: string, measured: readonly MeasuredArea[]): Promise<void> {
  const file = fileURLToPath(new URL('../../../docs/benchmarks.md', import.meta.url));
  const day = new Date().toISOString().slice(0, 10);
  const titles = Object.values(AREAS).map(({ title }) => title);
  await writeFile(file, withTables(await readFile(file, 'utf8'), measured, `${machine}, ${day}`, titles));
}
