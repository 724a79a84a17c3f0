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
import { remote } from './support/remote.ts';

// The suites that a store in this process passes.
describe('arguments', () => describeArguments(remote));
describe('mutations', () => describeMutations(remote));
describe('payloads', () => describePayloads(remote));
describe('streams', () => describeRetrievedStreams(remote));
describe('sources', () => describeSources(remote));
describe('listing', () => describeListing(remote));
describe('many', () => describeMany(remote));
describe('times', () => describeTimes(remote));
describe('clients at once', () => describeClientsAtOnce(remote));
describe('model', () => describeModel(remote));
