import { createRequire } from 'node:module';
import { serve, timed } from './serve.mjs';

let model;

async function load({ path, dtype, threads }) {
  const { loadLanguageModel } = await import('skipscan').catch((error) => {
    throw new Error(`skipscan does not load; build it first (npm ci, npm run build): ${error.message}`);
  });
  return timed(async () => {
    model = await loadLanguageModel(path, { device: 'cpu', dtype, threads });
  });
}

/** Calls `use` with a new session for each prompt and the logits after it. */
async function withSessions(prompts, use) {
  const sessions = prompts.map(() => model.createSession());
  const logits = [];
  for (const [i, session] of sessions.entries()) logits.push(await session.prefill(prompts[i]));
  const result = await use(sessions, logits);
  for (const session of sessions) await session.dispose();
  return result;
}

serve({
  async load(settings) {
    const seconds = await load(settings);
    const { version } = createRequire(import.meta.url)('skipscan/package.json');
    return { version, engine: model.backend, seconds, residentBytes: process.memoryUsage.rss() };
  },

  /** The greatest logits after the prompt, and after each of the tokens that follow it. */
  async check({ prompt, following, count }) {
    return withSessions([prompt], async ([session], [logits]) => {
      const rows = [greatest(logits, count)];
      for (const token of following) rows.push(greatest(await session.step(token), count));
      return rows;
    });
  },

  /** The same of several sequences at once, one after the other. */
  async checkBatch({ prompts, following, count }) {
    return withSessions(prompts, async (sessions, logits) => {
      const rows = logits.map((last) => [greatest(last, count)]);
      for (const token of following) {
        const next = await model.stepAll(
          sessions,
          sessions.map(() => token),
        );
        for (const [i, last] of next.entries()) rows[i].push(greatest(last, count));
      }
      return rows.flat();
    });
  },

  async prefill({ prompt }) {
    const session = model.createSession();
    const seconds = await timed(async () => greedy(await session.prefill(prompt)));
    await session.dispose();
    return seconds;
  },

  async decode({ prompt, count }) {
    return withSessions([prompt], async ([session], [logits]) => {
      let token = greedy(logits);
      return timed(async () => {
        for (let i = 0; i < count; i++) token = greedy(await session.step(token));
      });
    });
  },

  async decodeBatch({ prompts, count }) {
    return withSessions(prompts, async (sessions, logits) => {
      let tokens = logits.map(greedy);
      return timed(async () => {
        for (let i = 0; i < count; i++) tokens = (await model.stepAll(sessions, tokens)).map(greedy);
      });
    });
  },

  /** From importing the package on. */
  async firstToken({ prompt, ...settings }) {
    return timed(async () => {
      await load(settings);
      greedy(await model.createSession().prefill(prompt));
    });
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
