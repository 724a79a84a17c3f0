import { describeRetrievedStreams } from '../surface/retrieve-stream.ts';
import { embedded } from '../surface/surface.ts';

describeRetrievedStreams(embedded);
