import { inject } from 'vitest';
import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { freshLocation } from './support/stores.ts';

const server = inject('mongodb');
const url = 'url' in server ? server.url : '';
const skip = 'skip' in server ? server.skip : undefined;

describeBulk('mongodb', { freshLocation: () => freshLocation(url), skip, streams: false });
