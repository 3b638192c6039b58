/** How many of the greatest logits are compared, and among how many of the other engine's each is looked for. */
const compared = 8;
const logitsAsked = 64;

/** Tokens that the check reads one by one after each prompt. */
export const checkSteps = 8;

/**
 * How far apart two engines' logits may be, by the coarser type of the two weights; the greatest are about 12. Two float32
 * engines differ by the order of their sums, measured at some 1e-5. The coarser types are rounded too, activations
 * included: node-llama-cpp's own files differ from its float32 one by up to 0.15 (bf16) and 0.6 (q8_0), transformers in bf16
 * from skipscan by up to 0.25.
 */
const tolerances = { f32: 0.001, bf16: 0.3, q8_0: 1, i8: 1 };

/**
 * Reads every prompt that will be timed, and a few tokens after it, with all engines and compares the logits of the first one
 * with the others': a wrong engine is not worth timing. It warms all up as well.
 *
 * @param dtypes of the engines' weights
 * @returns by the names of the others what compareLogits() says; undefined where there is one engine
 */
export async function checkEngines(engines, dtypes, prompts) {
  const rows = engines.map(() => []);
  for (const prompt of prompts) {
    for (const [i, engine] of engines.entries()) {
      rows[i].push(...(await engine.call('check', checked(prompt))));
    }
  }
  if (engines.length < 2) return undefined;
  return Object.fromEntries(
    engines
      .map(({ name }, i) => [name, i > 0 && compareLogits(rows[0], rows[i], [dtypes[0], dtypes[i]])])
      .slice(1),
  );
}

/** Reads sequences together with an engine and compares the logits with those that it computes for each alone. */
export async function checkBatch(engine, dtype, prompts) {
  const { following, count } = checked(prompts[0]);
  const together = await engine.call('checkBatch', { prompts, following, count });
  const alone = [];
  for (const prompt of prompts)
    alone.push(...(await engine.call('check', { ...checked(prompt), following })));
  compareLogits(together, alone, [dtype, dtype]);
}

/** The argument of an engine's check: any tokens may follow. */
function checked(prompt) {
  return { prompt, following: prompt.slice(0, checkSteps), count: logitsAsked };
}

/**
 * Compares what two engines compute for the same tokens: the greatest logits within the tolerance, the greedy token the
 * same unless the two candidates are nearer to each other than that.
 *
 * @param a, b rows of `[token, logit]`, greatest first, one row for each position
 * @param dtypes of the weights of both
 * @returns the greatest difference and the rows whose greedy token is the same
 * @throws Error that names the first disagreement
 */
function compareLogits(a, b, dtypes) {
  const tolerance = Math.max(...dtypes.map((dtype) => tolerances[dtype]));
  let greatest = 0;
  let sameGreedy = 0;
  for (const [row, ours] of a.entries()) {
    const theirs = new Map(b[row]);
    for (const [token, logit] of ours.slice(0, compared)) {
      const difference = Math.abs(logit - (theirs.get(token) ?? Number.NEGATIVE_INFINITY));
      if (!(difference <= tolerance)) {
        throw new Error(
          `the engines disagree ${row} tokens after the prompt: token ${token} has logit ${logit} in one and ` +
            `${theirs.get(token) ?? 'is not among the greatest'} in the other; expected within ${tolerance}. ` +
            `First: ${describe(ours)}; second: ${describe(b[row])}`,
        );
      }
      greatest = Math.max(greatest, difference);
    }
    const [[chosen, logit]] = b[row];
    if (chosen === ours[0][0]) sameGreedy++;
    else if (!(ours[0][1] - (new Map(ours).get(chosen) ?? Number.NEGATIVE_INFINITY) <= tolerance)) {
      throw new Error(
        `the greedy token is ${ours[0][0]} in one engine and ${chosen} (${logit}) in the other`,
      );
    }
  }
  return { greatest, sameGreedy, rows: a.length };
}

function describe(row) {
  return row
    .slice(0, 4)
    .map(([token, logit]) => `${token} ${logit.toFixed(4)}`)
    .join(', ');
}
