import { describeModel } from '../surface/model.ts';
import { embedded } from '../surface/surface.ts';

describeModel(embedded);
