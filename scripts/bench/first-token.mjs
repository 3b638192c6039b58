import { textTable } from './report.mjs';
import { summarize } from './stats.mjs';

/** Tokens of the prompt. */
export const firstTokenPrompt = 64;

/**
 * Seconds from importing an engine in a process that has just started to the greedy token after a prompt: loading, packing,
 * reading. The model's file is in the page cache; the competitors take turns.
 *
 * @param competitors as languageCompetitors() gives them
 * @returns `seconds` by competitor and `otherCores`, both summarized
 */
export async function measureFirstToken(competitors, shape, prompt, { threads, rounds }) {
  const seconds = Object.fromEntries(competitors.map(({ name }) => [name, []]));
  const otherCores = [];
  for (let round = -1; round < rounds; round++) {
    for (const competitor of competitors) {
      const run = await once(competitor, { ...(await competitor.settings(shape, threads)), prompt });
      if (round < 0) continue; // brought the file into the cache
      seconds[competitor.name].push(run.seconds);
      otherCores.push(run.otherCores);
    }
  }
  const summaries = Object.entries(seconds).map(([name, values]) => [name, summarize(values)]);
  return { seconds: Object.fromEntries(summaries), otherCores: summarize(otherCores) };
}

async function once(competitor, argument) {
  const child = competitor.start();
  try {
    return await child.measure('firstToken', argument);
  } finally {
    child.close();
  }
}

export function describeFirstToken({ seconds, otherCores }, names) {
  const cell = (summary) =>
    summary
      ? `${summary.median.toFixed(2)} (${summary.min.toFixed(2)}..${summary.max.toFixed(2)})`
      : 'absent';
  const row = [`prompt of ${firstTokenPrompt}`, ...names.map((name) => cell(seconds[name]))];
  return textTable(['seconds to first token', ...names, 'other load'], [[...row, otherCores.max.toFixed(2)]]);
}
