import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { NO_SERVER, freshLocation } from './support/stores.ts';

describeBulk('azure', { freshLocation, skip: NO_SERVER, streams: true });
