import { postgres } from '../servers/postgres.ts';
import { serverSetup } from './setup.ts';

export default serverSetup(postgres, 'postgres');
