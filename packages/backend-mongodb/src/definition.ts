import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { MongodbBackend } from './mongodb-backend.ts';

/** Serves `mongodb:` and `mongodb+srv:` store URLs. */
export const mongodbBackend: BackendDefinition = defineBackend({
  name: 'mongodb',
  schemes: ['mongodb', 'mongodb+srv'],
  contract: CONTRACT_VERSION,
  create: () => new MongodbBackend(),
});
