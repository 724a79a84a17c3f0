import { gcs } from '../servers/gcs.ts';
import { serverSetup } from './setup.ts';

export default serverSetup(gcs, 'gcs');
