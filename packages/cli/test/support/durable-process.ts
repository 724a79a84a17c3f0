// Run under a tracer: runs the command lines of a JSON list one after the other.
import { runHere } from './in-process.ts';

const [lines = '[]'] = process.argv.slice(2);
const env = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
);
// The test passes a list of lists of words.
for (const args of JSON.parse(lines) as string[][]) {
  const { exitCode, stderr } = await runHere(args, { env });
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
}
