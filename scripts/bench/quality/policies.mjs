import {
  ltmp,
  merge,
  paperSchedule,
  prune,
  random,
  recent,
  recommended,
  releasedTop,
  releasedUtrc,
  uniform,
  utrc,
} from 'skipscan';
import { calibratedLtmp, calibratedTop } from './thresholds.mjs';

const counted = { utrc, merge, prune, 'released-utrc': releasedUtrc, uniform, random, recent };
const makers = { ...counted, ltmp, 'released-top': releasedTop };

/** A policy like this one, with some options changed. */
export function changed({ name, ...options }, changes) {
  return makers[name]({ ...options, ...changes });
}

/** Every policy at one target, with its default options: `{ name: policy }`. */
export async function policiesAt(measurement, flopsReduction) {
  const { config } = measurement;
  const schedule = paperSchedule(config);
  const policies = Object.entries(counted).map(([name, make]) => [
    name,
    make({ ...schedule, flopsReduction }),
  ]);
  return {
    ...Object.fromEntries(policies),
    ltmp: await calibratedLtmp(measurement, flopsReduction, schedule),
    ...(config.family === 'vim' && {
      'released-top': await calibratedTop(measurement, flopsReduction, schedule),
    }),
    recommended: recommended(config, { flopsReduction }),
  };
}
