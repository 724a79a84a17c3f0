export { AzureBackend } from './azure-backend.ts';
export { azureBackend as default } from './definition.ts';
