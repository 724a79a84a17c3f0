import { describeMany } from '../surface/many.ts';
import { embedded } from '../surface/surface.ts';

describeMany(embedded);
