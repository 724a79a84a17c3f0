/* `run-area.ts NAME SCALE FOLDER`: measures one area in this process and prints it as JSON; progress goes to stderr. */
import { AREAS } from './areas.ts';
import { measureArea } from './measure/measure.ts';

const [name = '', scale = '1', scratch = ''] = process.argv.slice(2);
const area = AREAS[name];
if (area === undefined) throw new Error(`There is no area ${name}.`);
const progress = (text: string): void => console.error(`  ${name}: ${text}`);
const measured = await measureArea(area, { scratch, scale: Number(scale), progress }, (row) =>
  console.error(`  ${name}: ${row.work}${row.count === undefined ? '' : ` × ${row.count}`}`),
);
console.log(JSON.stringify(measured));
