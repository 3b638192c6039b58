import { setTimeout as sleep } from 'node:timers/promises';
import { summarize } from './stats.mjs';

/** Time for the threads of the engine that ran last to fall asleep. */
const settleMilliseconds = 100;

/** Above this many cores of other work a result is not to be trusted. */
const quietCores = 0.08;

/**
 * One task, the competitors in turns.
 *
 * @param task.kind the competitors' method, which returns the seconds it took
 * @param task.amount what is done in that time
 * @returns `rates`, the amount per second by competitor, and `otherCores`, both summarized
 */
export async function measureInTurns({ kind, argument, amount }, competitors, rounds) {
  const speeds = Object.fromEntries(competitors.map((competitor) => [competitor.name, []]));
  const otherCores = [];
  for (let round = 0; round < rounds; round++) {
    for (const competitor of competitors) {
      await sleep(settleMilliseconds);
      const run = await competitor.measure(kind, argument);
      speeds[competitor.name].push(amount / run.seconds);
      otherCores.push(run.otherCores);
    }
  }
  const rates = {};
  for (const [competitor, values] of Object.entries(speeds)) rates[competitor] = summarize(values);
  return { rates, otherCores: summarize(otherCores) };
}

/** How many times as fast as each peer skipscan is, by the peers' names: of the medians, with the range over the rounds. */
export function ratiosToPeers({ skipscan, ...peers }) {
  if (!skipscan) return {};
  return Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, ratio(skipscan, peer)]));
}

/** One competitor's speed in units of another's. */
export function ratio(speed, other) {
  const ofRounds = speed.values.map((value, round) => value / other.values[round]);
  return { ...summarize(ofRounds), median: speed.median / other.median };
}

/** A line about results that other work on the machine has spoilt; empty where there are none. */
export function disturbance(results) {
  const disturbed = results.filter(({ otherCores }) => otherCores.max > quietCores).length;
  return disturbed > 0
    ? `\n${disturbed} results were disturbed by other work: repeat them on a quiet machine.`
    : '';
}
