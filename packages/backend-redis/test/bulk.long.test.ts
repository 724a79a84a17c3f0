import { inject } from 'vitest';
import { describeBulk } from './support/bulk.ts';
import { freshLocation } from './support/stores.ts';

const server = inject('redis');
const url = 'url' in server ? server.url : '';
const skip = 'skip' in server ? server.skip : undefined;

describeBulk('redis', { freshLocation: () => freshLocation(url), skip, streams: false });
