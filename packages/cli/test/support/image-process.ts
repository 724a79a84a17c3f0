// Recorded: runs all lines in a folder, and says the number of each that has ended.
import { writeSync } from 'node:fs';
import { inFolder, linesIn } from './image-lines.ts';
import { runHere } from './in-process.ts';

const [root = ''] = process.argv.slice(2);
for (const [index, { args }] of linesIn(root).entries()) {
  const { exitCode, stderr } = await runHere(inFolder(root, args));
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  writeSync(1, `${index}\n`);
}
