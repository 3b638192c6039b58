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

/** How many times as fast as the peer skipscan is: of the medians, with the range over the rounds. */
export function ratioTo(peerName, { skipscan, [peerName]: peer }) {
  if (!skipscan || !peer) return undefined;
  const ofRounds = skipscan.values.map((speed, round) => speed / peer.values[round]);
  return { ...summarize(ofRounds), median: skipscan.median / peer.median };
}

/** A line about results that other work on the machine has spoilt; empty where there are none. */
export function disturbance(results) {
  const disturbed = results.filter(({ otherCores }) => otherCores.max > quietCores).length;
  return disturbed > 0
    ? `\n${disturbed} results were disturbed by other work: repeat them on a quiet machine.`
    : '';
}
