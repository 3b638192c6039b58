import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { serve, timed } from './serve.mjs';

/** The greedy choice, as numbers and not as text. */
const greedily = { temperature: 0, yieldEogToken: true };

let llama;
let model;
let settings;
let sequence;
let batchSequences = [];

async function load({ entry, path, threads, contextSize }) {
  const { getLlama, LlamaLogLevel } = await import(pathToFileURL(entry).href);
  llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  });
  settings = { contextSize, threads: { ideal: threads, min: threads } };
  return timed(async () => {
    model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext(settings);
    sequence = context.getSequence();
  });
}

/** So many sequences that are evaluated together, empty, in a context of their own. */
async function sequencesOfBatch(count) {
  if (batchSequences.length !== count) {
    const context = await model.createContext({ ...settings, sequences: count });
    batchSequences = Array.from({ length: count }, () => context.getSequence());
  }
  for (const one of batchSequences) await one.clearHistory();
  return batchSequences;
}

serve({
  async load(argument) {
    const seconds = await load(argument);
    const manifest = fileURLToPath(new URL('../package.json', pathToFileURL(argument.entry)));
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
    const tokens = sequence.evaluate(prompt, greedily);
    const seconds = await timed(() => tokens.next());
    await tokens.return();
    return seconds;
  },

  async decode({ prompt, count }) {
    await sequence.clearHistory();
    const tokens = sequence.evaluate(prompt, greedily);
    await tokens.next();
    const seconds = await timed(async () => {
      for (let i = 0; i < count; i++) await tokens.next();
    });
    await tokens.return();
    return seconds;
  },

  async decodeBatch({ prompts, count }) {
    const sequences = await sequencesOfBatch(prompts.length);
    const streams = sequences.map((one, i) => one.evaluate(prompts[i], greedily));
    const next = () => Promise.all(streams.map((tokens) => tokens.next()));
    await next();
    const seconds = await timed(async () => {
      for (let i = 0; i < count; i++) await next();
    });
    for (const tokens of streams) await tokens.return();
    return seconds;
  },

  /** From importing the package on. */
  async firstToken({ prompt, ...argument }) {
    return timed(async () => {
      await load(argument);
      await sequence.evaluate(prompt, greedily).next();
    });
  },
});
