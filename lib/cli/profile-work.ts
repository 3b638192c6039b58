import type { Profile } from '../models/profile';
import type { Command } from './command';

/** The option of every benchmark that profiles. */
export const profileOption: Command['options'] = {
  profile: {
    type: 'boolean',
    help: 'Print afterwards where the time went: of each operator its share, its rates and how close it is to its floor.',
  },
};

/** Where the time of some work went. */
export type WorkProfile = Omit<Profile<unknown>, 'result'> & {
  /** What was profiled, such as `prefill of 512 tokens`. */
  work: string;
};

/** A model of any kind. */
type Profiled = { profile<Result>(work: () => Promise<Result>): Promise<Profile<Result>> };

/** Profiles the same work several times; the fastest one tells the most of the operators and the least of the machine's other work. */
export async function profileFastest(
  model: Profiled,
  work: string,
  rounds: number,
  run: () => Promise<unknown>,
): Promise<WorkProfile> {
  let best: WorkProfile | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const { operators, seconds } = await model.profile(run);
    if (best === undefined || seconds < best.seconds) best = { work, operators, seconds };
  }
  return best!;
}
