export { countsAfter, protectedCount } from './counts';
export { blockFlopsPerToken, type Flops, type FlopsOptions, flops } from './flops';
export {
  ltmp,
  merge,
  policyFromJSON,
  policyNames,
  prune,
  random,
  recent,
  releasedUtrc,
  uniform,
  utrc,
} from './policies';
export type * from './policy-types';
export { type ResolvedPolicy, resolvePolicy } from './resolve';
export { paperSchedule, recommended } from './schedule';
