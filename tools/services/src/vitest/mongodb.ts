import { mongodb } from '../servers/mongodb.ts';
import { serverSetup } from './setup.ts';

export default serverSetup(mongodb, 'mongodb');
