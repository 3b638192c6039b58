import { fromNativeSync, SkipscanError } from '../errors';
import type { NativeProfiling } from '../native-model-types';
import type { Queue } from '../queue';

/** All calls of one operator, added up. */
export type OperatorProfile = {
  /** The operator, such as `selective_scan`; a product with the shape of its weights, inputs first: `linear 768x3072`. */
  name: string;
  /** How often it ran. */
  calls: number;
  /** The time of all calls. */
  seconds: number;
  /** Float32 operations that the calls could not do without, a multiply-add counted as two. */
  flops: number;
  /** The fewest bytes that the calls must move: inputs and weights read once a call, outputs written once. */
  bytes: number;
  /** Exponentials and logarithms; not among `flops`. */
  exponentials: number;
};

/** Where the time of some work went. */
export type Profile<Result> = {
  /** What the work returned. */
  result: Result;
  /** The operators that ran, from the most time to the least. */
  operators: OperatorProfile[];
  /** From the start of the work until its last call on the model had ended: what is not in `operators` went elsewhere. */
  seconds: number;
};

/** Models whose operators are measured at the moment. */
const measured = new WeakSet<NativeProfiling>();

/** Measures the operators of all calls on a model that `work` makes, and of those that others make meanwhile. */
export async function profile<Result>(
  model: NativeProfiling,
  queue: Queue,
  work: () => Promise<Result>,
): Promise<Profile<Result>> {
  if (measured.has(model)) {
    throw new SkipscanError('ERR_ARGUMENT', 'This model is being profiled. Await that profile first.');
  }
  measured.add(model);
  try {
    await queue.run(async () => fromNativeSync(() => model.startProfile()), { kind: 'upkeep' });
    const start = performance.now();
    let result: Result;
    let seconds = 0;
    let operators: OperatorProfile[] = [];
    try {
      result = await work();
    } finally {
      // Behind calls that the work has not waited for.
      await queue.run(
        async () => {
          seconds = (performance.now() - start) / 1000;
          operators = fromNativeSync(() => model.endProfile());
        },
        { kind: 'upkeep' },
      );
    }
    return { result, operators: operators.sort((a, b) => b.seconds - a.seconds), seconds };
  } finally {
    measured.delete(model);
  }
}
