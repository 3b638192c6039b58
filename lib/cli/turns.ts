/** Milliseconds of repeated runs. */
export type Times = { median: number; min: number; max: number; values: number[] };

export type Measurement = {
  milliseconds: Times;
  /** The most bytes that the engine was seen to hold besides weights and sessions, during one run. */
  workspace: number;
};

/**
 * Times several kinds of work in turns, round after round, so that what slows the machine for a while slows all of them. Before
 * the rounds each runs once untimed.
 *
 * @param o.workspace bytes in use, looked at during the untimed run
 * @param o.onProgress runs done and runs in all, the untimed ones included
 * @returns of each kind of work what its untimed run made, and its measurement
 */
export async function measureInTurns<Result>(
  works: readonly (() => Promise<Result>)[],
  o: { rounds: number; workspace(): number; onProgress?: (done: number, total: number) => void },
): Promise<{ result: Result; measurement: Measurement }[]> {
  const total = (o.rounds + 1) * works.length;
  let done = 0;
  const first: { result: Result; workspace: number }[] = [];
  for (const work of works) {
    first.push(await watched(work, o.workspace));
    o.onProgress?.(++done, total);
  }
  const values: number[][] = works.map(() => []);
  for (let round = 0; round < o.rounds; round += 1) {
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      await work();
      values[i].push(performance.now() - start);
      o.onProgress?.(++done, total);
    }
  }
  return first.map(({ result, workspace }, i) => ({
    result,
    measurement: { milliseconds: summarize(values[i]), workspace },
  }));
}

async function watched<Result>(work: () => Promise<Result>, bytes: () => number) {
  let workspace = 0;
  const look = () => {
    workspace = Math.max(workspace, bytes());
  };
  const watch = setInterval(look, 1);
  try {
    const result = await work();
    look();
    return { result, workspace };
  } finally {
    clearInterval(watch);
  }
}

export function summarize(values: number[]): Times {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
  return { median: middle, min: sorted[0], max: sorted[sorted.length - 1], values };
}

/** What a reduction gains in time. */
export type Gain = {
  /** How many times as fast as dense, of the medians. */
  speedup: number;
  /** `speedup` as a share of 1 / (1 - saved), what the saved FLOPs allow. */
  ratio: number;
};

/** @param saved the share of the blocks' FLOPs that was saved */
export function gainOf(dense: Measurement, reduced: Measurement, saved: number): Gain {
  const speedup = dense.milliseconds.median / reduced.milliseconds.median;
  return { speedup, ratio: speedup * (1 - saved) };
}
