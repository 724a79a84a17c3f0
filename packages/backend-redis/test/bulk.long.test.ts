import { inject } from 'vitest';
import { describeBulk } from './support/bulk.ts';
import { freshUrl } from './support/stores.ts';

const server = inject('redis');
const url = 'url' in server ? server.url : '';
const skip = 'skip' in server ? server.skip : undefined;

describeBulk('redis', { freshUrl: () => freshUrl(url), skip, streams: false });
