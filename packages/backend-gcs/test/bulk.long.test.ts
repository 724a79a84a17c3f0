import { describeBulk } from '../../backend-redis/test/support/bulk.ts';
import { NO_RIGHT_SERVER, freshUrl } from './support/stores.ts';

// In memory, as it is started here, fake-gcs-server looks through all that it holds at each write: the 100,000 names of the full counts take
// hours. With `-backend filesystem` on a RAM disk, named by SECURESTORE_TEST_GCS_URL, they take minutes; the folder then wants a server of its own.
describeBulk('gcs', { freshUrl, skip: NO_RIGHT_SERVER, streams: true });
