import { azure } from '../servers/azure.ts';
import { serverSetup } from './setup.ts';

export default serverSetup(azure, 'azure');
