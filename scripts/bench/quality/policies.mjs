import {
  ltmp,
  merge,
  paperSchedule,
  prune,
  random,
  recent,
  recommended,
  releasedUtrc,
  uniform,
  utrc,
} from 'skipscan';
import { calibratedLtmp } from './thresholds.mjs';

const makers = { utrc, prune, merge, ltmp, uniform, random, recent, 'released-utrc': releasedUtrc };
const counted = { utrc, merge, prune, 'released-utrc': releasedUtrc, uniform, random, recent };

/** A policy like this one, with some options changed. */
export function changed({ name, ...options }, changes) {
  return makers[name]({ ...options, ...changes });
}

/** Every policy at one target, with its default options: `{ name: policy }`. */
export async function policiesAt(measurement, flopsReduction) {
  const schedule = paperSchedule(measurement.config);
  const policies = Object.entries(counted).map(([name, make]) => [
    name,
    make({ ...schedule, flopsReduction }),
  ]);
  return {
    ...Object.fromEntries(policies),
    ltmp: await calibratedLtmp(measurement, flopsReduction, schedule),
    recommended: recommended(measurement.config, { flopsReduction }),
  };
}
