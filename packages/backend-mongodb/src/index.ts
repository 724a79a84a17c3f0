export { MongodbBackend } from './mongodb-backend.ts';
export { mongodbBackend as default, mongodbBackend } from './definition.ts';
