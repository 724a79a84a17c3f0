import { inject } from 'vitest';
import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { freshUrl } from './support/stores.ts';

const server = inject('mongodb');
const url = 'url' in server ? server.url : '';
const skip = 'skip' in server ? server.skip : undefined;

describeBulk('mongodb', { freshUrl: () => freshUrl(url), skip, streams: false });
