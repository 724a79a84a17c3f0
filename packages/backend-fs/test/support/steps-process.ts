// Run under a tracer that kills it, or fails one of its system calls: takes a few steps, and says on stdout how each ended.
import { writeSync } from 'node:fs';
import { type BackendDefinition } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { stepsOf } from './steps.ts';

const [packageName = '', url = ''] = process.argv.slice(2);
// The package's default export is a definition by the contract.
const { default: definition } = (await import(packageName)) as { default: BackendDefinition };
const backend = definition.create();
await backend.init({ url, options: {} });
for (const [index, step] of stepsOf(backend).entries()) {
  try {
    await step.run();
    writeSync(1, `done ${index}\n`);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    writeSync(1, `${error.outcome ?? 'failed'} ${index} ${error.code}\n`);
  }
}
await backend.close();
