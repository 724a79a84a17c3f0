import { describeArguments } from '../surface/arguments.ts';
import { embedded } from '../surface/surface.ts';

describeArguments(embedded);
