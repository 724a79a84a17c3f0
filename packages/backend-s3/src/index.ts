export { S3Backend } from './s3-backend.ts';
export { s3Backend as default, s3Backend } from './definition.ts';
