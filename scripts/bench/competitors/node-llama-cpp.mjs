import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { serve, timed } from './serve.mjs';

let sequence;

serve({
  async load({ entry, path, threads, contextSize }) {
    const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry).href);
    const llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      maxThreads: threads,
      logLevel: LlamaLogLevel.error,
      progressLogs: false,
    });
    const seconds = await timed(async () => {
      const model = await llama.loadModel({ modelPath: path });
      const context = await model.createContext({ contextSize, threads: { ideal: threads, min: threads } });
      sequence = context.getSequence();
    });
    const manifest = fileURLToPath(new URL('../package.json', pathToFileURL(entry)));
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    const engine = `llama.cpp ${llama.llamaCppRelease.release}`;
    return {
      version,
      engine,
      systemInfo: llama.systemInfo,
      seconds,
      residentBytes: process.memoryUsage.rss(),
    };
  },

  /** The greatest logits after the prompt, and after each of the tokens that follow it. */
  async check({ prompt, following, count }) {
    await sequence.clearHistory();
    const generateNext = {
      token: true,
      logits: { filter: { includeTop: count } },
      options: { temperature: 0 },
    };
    const rows = [];
    for (const tokens of [prompt, ...following.map((token) => [token])]) {
      const input = [...tokens.slice(0, -1), [tokens.at(-1), { generateNext }]];
      const { next } = (await sequence.controlledEvaluate(input)).at(-1);
      rows.push([...next.logits].sort((a, b) => b[1] - a[1]).slice(0, count));
    }
    return rows;
  },

  async prefill({ prompt }) {
    await sequence.clearHistory();
    const tokens = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true });
    const seconds = await timed(() => tokens.next());
    await tokens.return();
    return seconds;
  },

  async decode({ prompt, count }) {
    await sequence.clearHistory();
    const tokens = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true });
    await tokens.next();
    const seconds = await timed(async () => {
      for (let i = 0; i < count; i++) await tokens.next();
    });
    await tokens.return();
    return seconds;
  },
});
