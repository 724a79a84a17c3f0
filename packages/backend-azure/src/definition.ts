import { CONTRACT_VERSION, type BackendDefinition, defineBackend } from '@securestore/backend-api';
import { AzureBackend } from './azure-backend.ts';

/** Serves `azblob:` store URLs. */
export const azureBackend: BackendDefinition = defineBackend({
  name: 'azure',
  schemes: ['azblob'],
  contract: CONTRACT_VERSION,
  create: () => new AzureBackend(),
});
