import { fromNative } from '../errors';
import type { OperatorProfile } from '../models/profile';
import { native } from '../native';
import type { MachineFacts } from './machine';

/** What the machine does at most, each a second: float32 operations, bytes read from memory, exponentials. */
export type Limits = { flops: number; bytes: number; exponentials: number };

/** What the threads of the CPU do together; nothing is known of a GPU. */
export async function measureLimits({ threads }: MachineFacts): Promise<Limits | undefined> {
  return threads === undefined ? undefined : fromNative(() => native.measureLimits(threads));
}

/** The seconds that an operator's calls take at the least, where caches hold nothing: its slowest kind of work sets them. */
export function floorSeconds(operator: OperatorProfile, limits: Limits): number {
  return Math.max(
    operator.flops / limits.flops,
    operator.bytes / limits.bytes,
    operator.exponentials / limits.exponentials,
  );
}
