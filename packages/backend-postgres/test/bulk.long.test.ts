import { inject } from 'vitest';
import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { freshUrl } from './support/stores.ts';

const server = inject('postgres');
const url = 'url' in server ? server.url : '';
const skip = 'skip' in server ? server.skip : undefined;

describeBulk('postgres', { freshUrl: () => freshUrl(url), skip, streams: false });
