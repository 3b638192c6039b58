// The tables of docs/evidence.md by their names. Each is a function of the results.
import { cellOf, paired, together } from './results.mjs';

const seeds = (model) => [model, `${model}-2`, `${model}-3`];

/** Bits per byte are shown in thousandths, shares in points. */
const millibits = { metric: 'bits_per_byte', scale: 1000, digits: 1 };
const points = { scale: 100, digits: 1 };

/** Models that differ in their seed only, and the number that is shown of them: `digits` after the point of `scale` times the metric. */
const families = {
  mamba2: { label: 'text, Mamba-2', models: ['tiny-mamba2', 'tiny-mamba2-2'], ...millibits },
  mamba: { label: 'text, Mamba', models: ['tiny-mamba'], ...millibits },
  recall: { label: 'recall', models: ['tiny-recall'], metric: 'acc', ...points },
  copying: { label: 'copying', models: seeds('tiny-copying'), metric: 'token_acc', ...points },
  vim: { label: 'ViM', models: ['tiny-vim'], metric: 'top1', ...points },
  plainmamba: { label: 'PlainMamba', models: ['tiny-plainmamba'], metric: 'top1', ...points },
  photos: {
    label: 'ViM, photographs',
    models: [1, 2, 3].map((seed) => `photos-${seed}`),
    metric: 'top1',
    ...points,
  },
};
const prompts = [families.mamba2, families.mamba, families.recall, families.copying];
const images = [families.vim, families.plainmamba, families.photos];
const policies = ['utrc', 'merge', 'prune', 'ltmp', 'released-utrc', 'uniform', 'random', 'recent'];

function text({ scale, digits }, estimate) {
  if (!estimate) return undefined;
  const { mean, standardError } = estimate;
  const value = (scale * mean).toFixed(digits);
  const signed = mean > 0 && !/^[0.]*$/.test(value) ? `+${value}` : value.replace(/^-([0.]+)$/, '$1');
  return `${signed} ± ${(scale * standardError).toFixed(digits)}`;
}

/** Over the models of a family that were measured: what `of(task)` says of each. */
function over(results, family, what, of) {
  const estimates = family.models.flatMap((model) => {
    const task = results.task(model, what);
    const estimate = task && of(task, family.metric);
    return estimate ?? [];
  });
  return text(family, together(estimates));
}

/** What a policy costs: the difference to dense. */
function cost(results, family, what, at) {
  return over(results, family, what, (task, metric) => cellOf(task, at)?.difference[metric]);
}

/** What one setting is better or worse than another by, on the same samples. */
function between(results, family, what, a, b) {
  return over(results, family, what, (task, metric) => {
    const [one, other] = [cellOf(task, a), cellOf(task, b)];
    return one && other && paired(metric, one, other);
  });
}

function dense(results) {
  const rows = [...prompts, ...images].map((family) => ({
    name: `${family.label} (${family.metric})`,
    cells: family.models
      .concat(['', ''])
      .slice(0, 3)
      .map((model) => {
        const task = model && results.task(model, 'policies');
        return task && text(family, task.dense.metrics[family.metric])?.replace('+', '');
      }),
  }));
  return { columns: ['seed 1', 'seed 2', 'seed 3'], rows };
}

/** The scores that are recommended are sweeps of their own. */
const recommendedRow = {
  prompts: { name: 'prune, state, last 32 protected', what: 'state', at: { policy: 'prune' } },
  images: { name: 'prune, novel', what: 'novel', at: { policy: 'prune' } },
};

function byCut(results, some, cuts) {
  const rows = [
    ...policies.map((policy) => ({ name: policy, what: 'policies', at: { policy } })),
    some === images ? recommendedRow.images : recommendedRow.prompts,
    ...(some === images ? [{ name: 'released-top', what: 'policies', at: { policy: 'released-top' } }] : []),
  ];
  return {
    columns: some.flatMap(({ label }) => cuts.map((cut) => `${label}, ${Math.round(100 * cut)} %`)),
    rows: rows.map(({ name, what, at }) => ({
      name,
      cells: some.flatMap((family) =>
        cuts.map((cut) => cost(results, family, what, { ...at, cut, alignment: 'next' })),
      ),
    })),
  };
}

function byAlignment(results, some, what, cut, names, options = {}) {
  const at = (policy, alignment) => ({ policy, cut, alignment, ...options });
  return {
    columns: some.flatMap(({ label }) => [`${label}: next - none`, 'previous - next']),
    rows: names.map((policy) => ({
      name: policy,
      cells: some.flatMap((family) => [
        between(results, family, what, at(policy, 'next'), at(policy, 'none')),
        between(results, family, what, at(policy, 'previous'), at(policy, 'next')),
      ]),
    })),
  };
}

/** What is recommended for prompts. */
function stateByAlignment(results) {
  const cuts = [0.1, 0.2, 0.3];
  return {
    columns: prompts.flatMap(({ label }) => cuts.map((cut) => `${label}, ${Math.round(100 * cut)} %`)),
    rows: ['none', 'next'].map((alignment) => ({
      name: alignment,
      cells: prompts.flatMap((family) =>
        cuts.map((cut) => cost(results, family, 'state', { policy: 'prune', cut, alignment })),
      ),
    })),
  };
}

/** What is recommended for images. */
function novelByAlignment(results) {
  const cuts = [0.15, 0.3, 0.45];
  const row = (metric, alignment) => ({
    name: `${metric}, ${alignment}`,
    cells: images.flatMap((family) =>
      cuts.map((cut) => cost(results, family, 'novel', { policy: 'prune', cut, metric, alignment })),
    ),
  });
  return {
    columns: images.flatMap(({ label }) => cuts.map((cut) => `${label}, ${Math.round(100 * cut)} %`)),
    rows: ['novel', 'novel2'].flatMap((metric) =>
      ['none', 'next', 'previous'].map((how) => row(metric, how)),
    ),
  };
}

/** Chance, the papers' importance and the best we know, each with and without alignment. */
function contributions(results, some, cut, metrics) {
  return {
    columns: some.flatMap(({ label }) => [`${label}: none`, 'next']),
    rows: [
      ...[0, 1, 2, 3].map((seed) => ({
        name: `random, seed ${seed}`,
        cells: some.flatMap((family) =>
          ['none', 'next'].map((alignment) =>
            cost(results, family, 'chance', { policy: 'random', cut, seed, alignment }),
          ),
        ),
      })),
      ...['prune', 'utrc'].flatMap((policy) =>
        metrics.map((metric) => ({
          name: `${policy}, ${metric}`,
          cells: some.flatMap((family) =>
            ['none', 'next'].map((alignment) =>
              cost(results, family, 'metrics', { policy, cut, metric, alignment }),
            ),
          ),
        })),
      ),
    ],
  };
}

const optionRows = [
  ['utrc', {}],
  ...['utrc', 'merge', 'prune'].map((policy) => [policy, { conv: 'aligned' }]),
  ...['utrc', 'merge'].map((policy) => [policy, { direction: 'forward' }]),
  ...['utrc', 'merge'].flatMap((policy) => ['residual', 'sum'].map((similarity) => [policy, { similarity }])),
  ...[0, 1].map((qHidden) => ['utrc', { qHidden }]),
  ...[0.5, 1].map((qResidual) => ['utrc', { qResidual }]),
  ...['utrc', 'prune'].flatMap((policy) => ['ssm', 'block'].map((source) => [policy, { source }])),
  ...['utrc', 'merge', 'prune'].flatMap((policy) => [8, 32].map((protectLast) => [policy, { protectLast }])),
].slice(1);

function byOption(results, some, cut) {
  return {
    columns: some.map(({ label }) => label),
    rows: optionRows
      .filter(([, options]) => some[0].metric !== 'top1' || !('protectLast' in options))
      .map(([policy, options]) => ({
        name: `${policy}, ${Object.entries(options).map(([name, value]) => `${name} ${value}`)}`,
        cells: some.map((family) =>
          between(results, family, 'options', { policy, cut, ...options }, { policy, cut }),
        ),
      })),
  };
}

const longRuns = [
  ['text 8k, Mamba-2', { ...families.mamba2, models: ['tiny-mamba2'] }, 'long-8k'],
  ['text 64k, Mamba-2', { ...families.mamba2, models: ['tiny-mamba2'] }, 'long-64k'],
  ['recall 1k', families.recall, 'long-1k'],
  ['recall 8k', families.recall, 'long-8k'],
];

function longPrompts(results) {
  const of = (estimate) =>
    longRuns.map(([, family, what]) => over(results, family, what, (task, metric) => estimate(task, metric)));
  const difference = (at) => of((task, metric) => cellOf(task, { cut: 0.3, ...at })?.difference[metric]);
  return {
    columns: longRuns.map(([label]) => label),
    rows: [
      {
        name: 'dense',
        cells: of((task, metric) => task.dense.metrics[metric]).map((cell) => cell?.replace('+', '')),
      },
      ...['recommended', 'recent', 'uniform', 'random'].map((policy) => ({
        name: policy,
        cells: difference({ policy, alignment: 'next' }),
      })),
      ...['prune', 'utrc', 'merge'].flatMap((policy) =>
        ['none', 'next'].map((alignment) => ({
          name: `${policy}, alignment ${alignment}`,
          cells: difference({ policy, alignment }),
        })),
      ),
    ],
  };
}

const tuned = Object.fromEntries(
  [
    ['dense', ['tiny-vim']],
    ['pruned, none', [1, 2].map((seed) => `tuned-clip-none-${seed}`)],
    ['pruned, next', [1, 2].map((seed) => `tuned-clip-next-${seed}`)],
  ].map(([name, models]) => [name, { ...families.vim, models }]),
);

function fineTuned(results) {
  const what = (family) => (family.models[0] === 'tiny-vim' ? 'metrics' : 'policies');
  const value = (family, of) => over(results, family, what(family), of)?.replace('+', '');
  const cut = 0.3;
  return {
    columns: ['nothing dropped', ...['none', 'next'].map((alignment) => `clip, ${alignment}`), 'novel, next'],
    rows: Object.entries(tuned).map(([name, family]) => ({
      name: `trained ${name}`,
      cells: [
        value(family, (task, metric) => task.dense.metrics[metric]),
        ...[
          { metric: 'clip', alignment: 'none' },
          { metric: 'clip', alignment: 'next' },
          { metric: 'novel', alignment: 'next' },
        ].map((at) =>
          value(family, (task, metric) => cellOf(task, { policy: 'prune', cut, ...at })?.metrics[metric]),
        ),
      ],
    })),
  };
}

const languageMetrics = ['clip', 'l1', 'l2', 'sum', 'delta', 'state', 'novel', 'novel2'];
const imageMetrics = languageMetrics.filter((metric) => metric !== 'state');
const aligned = ['utrc', 'merge', 'prune', 'ltmp', 'uniform', 'random', 'recent'];
const safe = ['utrc', 'merge', 'prune', 'uniform', 'random'];

export const tables = {
  dense,
  'text-policies': (results) => byCut(results, [families.mamba2, families.mamba], [0.1, 0.2, 0.3]),
  'memory-policies': (results) => byCut(results, [families.recall, families.copying], [0.1, 0.2, 0.3]),
  'image-policies': (results) => byCut(results, images, [0.15, 0.3, 0.45]),
  'prompt-alignment': (results) => byAlignment(results, prompts, 'policies', 0.2, aligned),
  'protected-alignment': (results) => byAlignment(results, prompts, 'protected', 0.3, safe),
  'image-alignment': (results) => byAlignment(results, images, 'policies', 0.3, aligned),
  state: stateByAlignment,
  novel: novelByAlignment,
  'prompt-contributions': (results) => contributions(results, prompts, 0.2, languageMetrics),
  'image-contributions': (results) => contributions(results, images, 0.3, imageMetrics),
  'prompt-options': (results) => byOption(results, prompts, 0.2),
  'image-options': (results) => byOption(results, [families.vim], 0.3),
  'long-prompts': longPrompts,
  'fine-tuned': fineTuned,
};
