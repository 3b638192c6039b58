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
  releasedTop,
  releasedUtrc,
  uniform,
  utrc,
} from './policies';
export type * from './policy-types';
export { type PublishedFlops, publishedFlops } from './published-flops';
export { canMeet, type ResolvedPolicy, resolvePolicy } from './resolve';
export { paperSchedule, recommended } from './schedule';
export type { VisionFlops, VisionFlopsOptions } from './vision-flops';
