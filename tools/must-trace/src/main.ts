import { fileURLToPath } from 'node:url';
import { readTests, readText } from './files.ts';
import { readSpecification, traceProblems } from './trace.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const specification = readSpecification(readText(root, 'docs/format.md'));
const problems = traceProblems(specification, readTests(root));
for (const problem of problems) console.error(problem);
console.log(`${specification.requirements.length} requirements, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
