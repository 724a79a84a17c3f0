import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { NO_SERVER, freshUrl } from './support/stores.ts';

describeBulk('azure', { freshUrl, skip: NO_SERVER, streams: true });
