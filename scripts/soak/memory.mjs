import v8 from 'node:v8';
import vm from 'node:vm';

/** Takes the process's resident memory once a second. */
export class MemorySamples {
  /** `{ seconds, bytes }` */
  samples = [];
  #start = performance.now();
  #timer = setInterval(() => this.#take(), 1000);

  #take() {
    this.samples.push({
      seconds: (performance.now() - this.#start) / 1000,
      bytes: process.memoryUsage.rss(),
    });
  }

  end() {
    clearInterval(this.#timer);
    return slopeOf(blockMeans(this.samples.slice(this.samples.length >> 1)));
  }
}

/** Seconds over which samples are averaged: those of neighbouring seconds see the same threads, and say little more than one of them. */
const blockSeconds = 30;

function blockMeans(samples) {
  const blocks = Math.max(3, Math.floor(samples.length / blockSeconds));
  return Array.from({ length: blocks }, (_, i) => {
    const block = samples.slice((i * samples.length) / blocks, ((i + 1) * samples.length) / blocks);
    const mean = (of) => block.reduce((sum, sample) => sum + of(sample), 0) / block.length;
    return { seconds: mean(({ seconds }) => seconds), bytes: mean(({ bytes }) => bytes) };
  });
}

/**
 * The least-squares line through samples.
 *
 * @returns mean bytes, bytes a minute with the standard error of that, and growth: what the line climbs, as a share of the mean
 */
export function slopeOf(samples) {
  const n = samples.length;
  const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / n;
  const time = mean(({ seconds }) => seconds);
  const bytes = mean((sample) => sample.bytes);
  const spread = samples.reduce((sum, { seconds }) => sum + (seconds - time) ** 2, 0);
  const slope = samples.reduce((sum, s) => sum + (s.seconds - time) * (s.bytes - bytes), 0) / spread;
  const rest = samples.reduce((sum, s) => sum + (s.bytes - bytes - slope * (s.seconds - time)) ** 2, 0);
  const error = Math.sqrt(rest / Math.max(1, n - 2) / spread);
  const duration = samples.at(-1).seconds - samples[0].seconds;
  return { mean: bytes, perMinute: 60 * slope, error: 60 * error, growth: (slope * duration) / bytes };
}

/** Lets the collector run, and the finalizers of what it has found. */
export async function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc');
  for (let i = 0; i < 3; i += 1) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
