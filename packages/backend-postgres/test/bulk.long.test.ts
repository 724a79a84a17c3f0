import { inject } from 'vitest';
import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { freshLocation } from './support/stores.ts';

const server = inject('postgres');
const url = 'url' in server ? server.url : '';
const skip = 'skip' in server ? server.skip : undefined;

describeBulk('postgres', { freshLocation: () => freshLocation(url), skip, streams: false });
