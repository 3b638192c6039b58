import { createRequire } from 'node:module';
import { serve, timed } from './serve.mjs';

let model;

serve({
  async load({ path, dtype, threads }) {
    const { loadLanguageModel } = await import('skipscan').catch((error) => {
      throw new Error(`skipscan does not load; build it first (npm ci, npm run build): ${error.message}`);
    });
    const seconds = await timed(async () => {
      model = await loadLanguageModel(path, { device: 'cpu', dtype, threads });
    });
    const { version } = createRequire(import.meta.url)('skipscan/package.json');
    return { version, engine: model.backend, seconds, residentBytes: process.memoryUsage.rss() };
  },

  /** The greatest logits after the prompt, and after each of the tokens that follow it. */
  async check({ prompt, following, count }) {
    const session = model.createSession();
    const rows = [greatest(await session.prefill(prompt), count)];
    for (const token of following) rows.push(greatest(await session.step(token), count));
    await session.dispose();
    return rows;
  },

  async prefill({ prompt }) {
    const session = model.createSession();
    const seconds = await timed(async () => greedy(await session.prefill(prompt)));
    await session.dispose();
    return seconds;
  },

  async decode({ prompt, count }) {
    const session = model.createSession();
    let token = greedy(await session.prefill(prompt));
    const seconds = await timed(async () => {
      for (let i = 0; i < count; i++) token = greedy(await session.step(token));
    });
    await session.dispose();
    return seconds;
  },
});

function greedy(logits) {
  let best = 0;
  for (let token = 1; token < logits.length; token++) if (logits[token] > logits[best]) best = token;
  return best;
}

function greatest(logits, count) {
  const tokens = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
  return tokens.slice(0, count).map((token) => [token, logits[token]]);
}
