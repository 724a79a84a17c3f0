export { GcsBackend } from './gcs-backend.ts';
export { gcsBackend as default } from './definition.ts';
