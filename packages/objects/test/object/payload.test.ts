import { describePayloads } from '../surface/payload.ts';
import { embedded } from '../surface/surface.ts';

describePayloads(embedded);
