import { summarizeProducts } from '../operators/products.mjs';

// What the engine is meant to reach. Every function here takes the reports by the names of parts.mjs and gives lines
// `{ what, target, measured, met }`; `measured` is undefined for what was not measured, and `met` for what has no target.

/** Speeds of language models beside a peer, and their share of the floor where one is asked for. */
const languageTargets = [
  {
    part: 'f32',
    shape: 'mamba-130m',
    task: 'prefill',
    peers: { 'node-llama-cpp': 4, transformers: 6.5 },
    share: 0.85,
  },
  { part: 'bf16', shape: 'mamba-130m', task: 'prefill', peers: { 'node-llama-cpp': 6 } },
  { part: 'bf16-q8_0', shape: 'mamba-130m', task: 'prefill', peers: { 'node-llama-cpp': 4 } },
  { part: 'f32', shape: 'mamba2-130m', task: 'prefill', peers: { 'node-llama-cpp': 2.6 } },
  { part: 'bf16', shape: 'mamba2-130m', task: 'prefill', peers: { 'node-llama-cpp': 2.4 } },
  { part: 'f32', task: 'decode', peers: { 'node-llama-cpp': 2 }, share: 0.9 },
  { part: 'bf16', task: 'decode', peers: { 'node-llama-cpp': 2.3 }, share: 0.8 },
  { part: 'i8', task: 'decode', peers: { 'node-llama-cpp': 2.8 }, share: 0.65 },
];

const batchGain = 6;
const products = [
  { dtype: 'f32', peer: 'openblas', least: 1 },
  // Peers round inputs to bf16.
  { dtype: 'bf16-rounded', peer: 'onednn', least: 0.95 },
  { dtype: 'bf16-rounded', peer: 'onednn-avx512', least: 0.95 }, // where the processor has matrix registers too
];
const scanNs = 0.105;
const variantSlower = 1.03;
const imagesRatio = 3;
const reducedShare = 0.95;
const firstTokenSeconds = 1.5;
const threadsGain = 1.85;
const keptWithBusyCore = 0.45;

/** All lines, in the order of the parts. */
export function judge(reports, threads) {
  return [
    ...languageTargets.flatMap((target) => judgeLanguage(reports, target)),
    ...judgeBatches(reports),
    ...judgeProducts(reports.operators),
    ...judgeScans(reports.operators, threads),
    ...judgeVision(reports.vision),
    ...judgeReduction(reports),
    ...judgeFirstToken(reports),
    ...judgeThreads(reports.f32),
  ];
}

// ---- language models

function judgeLanguage(reports, { part, shape, task, peers, share }) {
  const models = reports[part]?.shapes.filter(({ name }) => !shape || name === shape) ?? [undefined];
  return models.flatMap((model) => {
    const results = model?.results.filter(({ kind }) => kind === task) ?? [undefined];
    return results.flatMap((result) => {
      const what = `${model?.name ?? shape ?? 'language models'}, ${result?.name ?? task}, ${part}`;
      return [
        ...Object.entries(peers).map(([peer, least]) =>
          atLeast(`${what}: beside ${peer}`, result?.ratios[peer]?.median, least, times),
        ),
        ...(share ? [atLeast(`${what}: share of the floor`, result?.share, share, percent)] : []),
      ];
    });
  });
}

function judgeBatches(reports) {
  return ['f32', 'bf16', 'i8-batch'].flatMap((part) =>
    shapesOf(reports[part]).map(({ name, batchGains }) =>
      atLeast(
        `${name}, decode of a batch, ${part}: beside batch 1`,
        batchGains?.skipscan?.median,
        batchGain,
        times,
      ),
    ),
  );
}

function judgeFirstToken(reports) {
  return ['f32', 'bf16', 'i8'].flatMap((part) =>
    shapesOf(reports[part]).map(({ name, firstToken }) =>
      atMost(
        `${name}, first token, ${part}`,
        firstToken?.seconds.skipscan?.median,
        firstTokenSeconds,
        seconds,
      ),
    ),
  );
}

function judgeThreads(report) {
  return shapesOf(report).flatMap(({ name, threadScaling }) => {
    const ours = threadScaling?.find((result) => result.name === 'skipscan');
    return [
      atLeast(`${name}, prefill: all threads beside one`, ours?.gain.median, threadsGain, times),
      atLeast(`${name}, prefill: kept when one core is taken`, ours?.kept.median, keptWithBusyCore, percent),
    ];
  });
}

/** A report that is missing is a line that says so. */
function shapesOf(report) {
  return report?.shapes ?? [{ name: 'language models' }];
}

// ---- operators

function judgeProducts(report) {
  return products.flatMap(({ dtype, peer, least }) => {
    const own = report?.products.filter((result) => result.dtype === dtype) ?? [];
    const threads = own.length > 0 ? [...new Set(own.map((result) => result.threads))] : [undefined];
    return threads.map((count) => {
      const [summary] = summarizeProducts(
        own.filter((result) => result.threads === count),
        [peer],
      );
      const where = summary ? ` (${summary.at}; mean ${times(summary.mean)})` : '';
      const what = `products, ${dtype}${count ? `, threads: ${count}` : ''}: worst beside ${peer}${where}`;
      return atLeast(what, summary?.worst, least, times);
    });
  });
}

function judgeScans(report, threads) {
  const own = report?.scans.filter((result) => result.op === 'selective' && result.threads === threads) ?? [];
  const lengths = own.length > 0 ? [...new Set(own.map(({ steps }) => steps))] : [undefined];
  return lengths.flatMap((length) => {
    const find = (variant) => own.find((result) => result.steps === length && result.variant === variant);
    const what = `selective scan${length ? ` of ${length} tokens` : ''}`;
    return [
      atMost(`${what}: recurrence alone`, find('bare')?.ns.median, scanNs, nanoseconds),
      atMost(`${what}: with softplus, D and gate`, find('plain')?.ns.median, scanNs, nanoseconds),
      ...['aligned', 'gathered'].map((variant) =>
        atMost(`${what}: ${variant} beside plain`, find(variant)?.slower.median, variantSlower, times),
      ),
    ];
  });
}

// ---- images, reductions

function judgeVision(report) {
  const results = report?.models.flatMap(({ name, results }) =>
    results.map((result) => ({ model: name, ...result })),
  );
  return (results ?? [{ model: 'vim-small', name: 'images' }]).flatMap(({ model, name, ratios, share }) => [
    atLeast(`${model}, ${name}: beside PyTorch`, ratios?.pytorch?.median, imagesRatio, times),
    {
      what: `${model}, ${name}: share of the products' floor`,
      target: '',
      measured: share && percent(share),
    },
  ]);
}

function judgeReduction(reports) {
  return ['mamba-130m', 'mamba2-130m'].flatMap((shape) => {
    const reduced = reports[`reduction-${shape}`]?.reduced ?? [undefined];
    return reduced.map((result) => {
      const cut = result ? `${result.name} of ${percent(result.reduction.saved)}` : 'reduced prefill';
      return atLeast(`${shape}, ${cut}: share of 1 / (1 - cut)`, result?.ratio, reducedShare, percent);
    });
  });
}

// ---- lines

function atLeast(what, value, least, format) {
  return line(what, value, `at least ${format(least)}`, format, value >= least);
}

function atMost(what, value, most, format) {
  return line(what, value, `at most ${format(most)}`, format, value <= most);
}

function line(what, value, target, format, met) {
  if (value === undefined || value === null) return { what, target }; // JSON's NaN is null
  return { what, target, measured: format(value), value, met };
}

function times(value) {
  return `${value.toFixed(2)}x`;
}

function percent(value) {
  return `${(100 * value).toFixed(0)} %`;
}

function seconds(value) {
  return `${value.toFixed(2)} s`;
}

function nanoseconds(value) {
  return `${value.toFixed(4)} ns`;
}
