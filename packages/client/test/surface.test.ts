import { describe } from 'vitest';
import { describeArguments } from '../../objects/test/surface/arguments.ts';
import { describeClientsAtOnce } from '../../objects/test/surface/concurrency.ts';
import { describeListing } from '../../objects/test/surface/list.ts';
import { describeMany } from '../../objects/test/surface/many.ts';
import { describeModel } from '../../objects/test/surface/model.ts';
import { describeMutations } from '../../objects/test/surface/mutations.ts';
import { describePayloads } from '../../objects/test/surface/payload.ts';
import { describeRetrievedStreams } from '../../objects/test/surface/retrieve-stream.ts';
import { describeSources } from '../../objects/test/surface/sources.ts';
import { describeTimes } from '../../objects/test/surface/times.ts';
import { remote, remoteForAll } from './support/remote.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

// The suites that a store in this process passes.
describe('arguments', () => describeArguments(remoteForAll()));
describe('mutations', () => describeMutations(remote));
describe('many', () => describeMany(remote));
describe('model', () => describeModel(remote));
// Each test of them takes a server of its own.
describe.runIf(LONG)(onlyLong('streams'), () => describeRetrievedStreams(remote));
describe.runIf(LONG)(onlyLong('payloads'), () => describePayloads(remote));
describe.runIf(LONG)(onlyLong('sources'), () => describeSources(remote));
describe.runIf(LONG)(onlyLong('listing'), () => describeListing(remote));
describe.runIf(LONG)(onlyLong('times'), () => describeTimes(remote));
describe.runIf(LONG)(onlyLong('clients at once'), () => describeClientsAtOnce(remote));
