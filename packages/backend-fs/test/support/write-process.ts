// Run under a tracer that may kill it: writes one key.
import { type BackendDefinition } from '@securestore/backend-api';

const [packageName = '', url = '', key = ''] = process.argv.slice(2);
// The package's default export is a definition by the contract.
const { default: definition } = (await import(packageName)) as { default: BackendDefinition };
const backend = definition.create();
await backend.init({ url, options: {} });
await backend.write(key, Buffer.from('body'));
await backend.close();
