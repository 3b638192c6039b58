// Prefill and decode of a model of a published shape with random weights, dense and with 30 % of the FLOPs cut, and the memory
// that a large batch takes.
//
//   node scripts/gpu/bench/models.mjs --shape mamba-2.8b [--device cuda:0] [--models DIR] [--rounds N] [--decode N]
//        [--ceilings FILE of bench_kernels] [--json FILE]

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { huggingFaceModel, modelsDirectory } from '../../bench/models.mjs';
import { counts, shapes } from '../../bench/shapes.mjs';
import { median, summarize } from '../../bench/stats.mjs';

const { loadLanguageModel, paperSchedule, utrc } = createRequire(import.meta.url)('../../../dist/index.js');

const warmUps = 3; // the first sizes memory, the second records
const promptLength = 2048;
const flopsReduction = 0.3;
const decodePrompt = 16;
/** Sequences of the papers' memory measurement. */
const largeBatch = 96;

const text = { type: 'string' };
const { values: options } = parseArgs({
  options: {
    shape: { ...text, default: 'mamba-2.8b' },
    device: { ...text, default: 'cuda:0' },
    models: { ...text, default: modelsDirectory },
    rounds: { ...text, default: '10' },
    decode: { ...text, default: '128' },
    ceilings: text,
    json: text,
  },
});
const shape = shapes[options.shape];
if (!shape) {
  console.error(`--shape: found ${options.shape}, expected ${Object.keys(shapes).join(', ')}`);
  process.exit(2);
}
const ceilings = readCeilings(options.ceilings);
const work = counts(shape, 'bf16');
const policy = (model) => utrc({ ...paperSchedule(model.config), flopsReduction });

function readCeilings(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).ceilings;
  } catch {
    return undefined; // no floors then
  }
}

function prompts(count) {
  const token = (s, i) => (7 * i * i + 13 * i + 31 * s + 5) % shape.vocabulary;
  return Array.from({ length: count }, (_, s) => Array.from({ length: promptLength }, (_, i) => token(s, i)));
}

/** Seconds of each round. */
async function time(rounds, run) {
  for (let i = 0; i < warmUps; i++) await run();
  const seconds = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}

/** Seconds that a token takes at least: the products, and besides them the exponentials of Mamba-1's scan. */
function prefillFloor() {
  if (!ceilings) return undefined;
  const scan = shape.family === 'mamba' ? work.stateUpdates / ceilings.exponentialsPerSecond : 0;
  return work.productFlops / ceilings.flopsPerSecond + scan;
}

async function prefill(model, batch, reduction) {
  const batchPrompts = prompts(batch);
  let stats;
  const seconds = await time(Number(options.rounds), async () => {
    ({ stats } = await model.forward(batchPrompts, { logits: 'last', reduction }));
  });
  const tokensPerSecond = summarize(seconds.map((s) => (batch * promptLength) / s));
  const floor = reduction ? undefined : prefillFloor();
  return {
    task: `prefill ${batch} x ${promptLength}${reduction ? ', reduced' : ''}`,
    tokensPerSecond,
    share: floor && tokensPerSecond.median * floor,
    flopsShare: stats.flops / stats.denseFlops,
    workspaceBytes: model.memory().workspace,
  };
}

async function decode(model) {
  const count = Number(options.decode);
  const session = model.createSession();
  await session.prefill(prompts(1)[0].slice(0, decodePrompt));
  const seconds = await time(count, () => session.step(1));
  await session.dispose();
  const bytes = work.weightBytes + 2 * work.stateBytes;
  return {
    task: 'decode, batch 1',
    tokensPerSecond: summarize(seconds.map((s) => 1 / s)),
    share: ceilings && bytes / ceilings.bytesPerSecond / median(seconds),
  };
}

/** The memory of one large batch; too little memory is a result. */
async function memory(model, reduction) {
  const task = `${largeBatch} x ${promptLength}${reduction ? ', reduced' : ''}`;
  const start = performance.now();
  try {
    await model.forward(prompts(largeBatch), { logits: 'last', reduction });
  } catch (error) {
    if (error.code !== 'ERR_OUT_OF_MEMORY') throw error;
    return { task, failed: 'out of memory' };
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    task,
    tokensPerSecond: summarize([(largeBatch * promptLength) / seconds]),
    workspaceBytes: model.memory().workspace,
  };
}

/** A model that nothing has run on: workspaces only grow. */
async function withModel(use) {
  const folder = await huggingFaceModel(options.models, options.shape, shape, 'bf16');
  const model = await loadLanguageModel(folder, { device: options.device });
  try {
    await use(model);
  } finally {
    await model.dispose();
  }
}

const results = [];
function report(result) {
  results.push(result);
  const { task, failed, tokensPerSecond, speedUp } = result;
  const faster = speedUp ? `, ${speedUp.toFixed(2)} x dense` : '';
  console.log(
    `${options.shape}  ${task}: ${failed ?? `${tokensPerSecond.median.toFixed(0)} tokens/s${faster}`}`,
  );
}

await withModel(async (model) => {
  console.log(`${options.shape}: ${model.parameterCount} parameters, ${model.dtype} on ${model.device}`);
  for (const batch of [1, 8]) {
    const dense = await prefill(model, batch);
    report(dense);
    const reduced = await prefill(model, batch, policy(model));
    report({ ...reduced, speedUp: reduced.tokensPerSecond.median / dense.tokensPerSecond.median });
  }
  report(await decode(model));
});
for (const reduced of [false, true]) {
  await withModel(async (model) => report(await memory(model, reduced ? policy(model) : undefined)));
}
if (options.json) {
  const facts = { shape: options.shape, device: options.device, counts: work, results };
  writeFileSync(options.json, `${JSON.stringify(facts, null, 1)}\n`);
}
