// What docs/evidence.md rests on: every sweep of every model. A run is one `skipscan report`.

const everyPolicy = 'utrc,merge,prune,released-utrc,uniform,random,recent,ltmp';
const alignments = ['--alignments', 'none,next,previous'];

/** Every policy at every cut, by alignment. */
function policySweep(cuts, policies = everyPolicy) {
  return ['--policies', policies, '--cuts', cuts, ...alignments, '--one-at-a-time'];
}

/** What importance and alignment contribute, alone and together. */
function metricSweep(cuts, metrics) {
  return ['--policies', 'prune,utrc', '--cuts', cuts, '--metrics', metrics, '--alignments', 'none,next'];
}

/** The options of the policies that have some, each alone. */
function optionSweep(cut, ...others) {
  const lists = {
    convs: 'compact,aligned',
    directions: 'any,forward',
    similarities: 'hidden,residual,sum',
    'q-hidden': '0.5,0,1',
    'q-residual': '0,0.5,1',
    sources: 'gated,ssm,block',
  };
  const options = Object.entries(lists).flatMap(([name, values]) => [`--${name}`, values]);
  return ['--policies', 'utrc,merge,prune', '--cuts', cut, '--one-at-a-time', ...options, ...others];
}

/** What is recommended for prompts, with and without alignment. */
function stateSweep(cuts) {
  const own = ['--metrics', 'state', '--protect-last', '32'];
  return ['--policies', 'prune', '--cuts', cuts, ...own, '--alignments', 'none,next'];
}

/** What is recommended for images, with and without alignment. */
function novelSweep(cuts) {
  return ['--policies', 'prune', '--cuts', cuts, '--metrics', 'novel,novel2', ...alignments];
}

/** With what a text's next words hang on most out of danger. */
function protectedSweep(cuts) {
  return [
    '--policies',
    'utrc,merge,prune,uniform,random',
    '--cuts',
    cuts,
    '--protect-last',
    '32',
    ...alignments,
  ];
}

/** Chance, which a policy must beat, and what alignment makes of it. */
function chanceSweep(cuts) {
  return ['--policies', 'random', '--cuts', cuts, '--seeds', '0,1,2,3', ...alignments];
}

/** @param brief leaves out what is measured on one seed only */
function ofPrompts(model, data, brief = false) {
  const run = (what, sweep) => ({ name: `${model}/${what}`, model, args: [...data, ...sweep] });
  const runs = [
    run('policies', policySweep('0.1,0.2,0.3')),
    run('metrics', metricSweep('0.2', 'clip,l1,l2,sum,delta,state,novel,novel2')),
    run('state', stateSweep('0.1,0.2,0.3')),
    run('chance', chanceSweep('0.2')),
  ];
  if (brief) return runs;
  return [
    ...runs,
    run('options', optionSweep('0.2', '--protect-last', '1,8,32')),
    run('protected', protectedSweep('0.3')),
  ];
}

function ofImages(model, policies, samples, folder = '{pictures}') {
  const data = [folder, '--samples', String(samples), '--batch', '64'];
  const run = (what, sweep) => ({ name: `${model}/${what}`, model, args: [...data, ...sweep] });
  return [
    run('policies', policySweep('0.15,0.3,0.45', policies)),
    run('metrics', metricSweep('0.3', 'clip,l1,l2,sum,delta,novel,novel2')),
    run('novel', novelSweep('0.15,0.3,0.45')),
    run('chance', chanceSweep('0.3')),
  ];
}

/** Prompts so long that what they begin with is far away. */
function ofLongPrompts(model, what, data) {
  const policies = 'utrc,merge,prune,uniform,random,recent,recommended';
  const sweep = ['--policies', policies, '--cuts', '0.3', '--alignments', 'none,next', '--one-at-a-time'];
  return { name: `${model}/${what}`, model, args: [...data, ...sweep, '--batch', '1'] };
}

/** What the vision paper does: pruning by clip, in models that were fine-tuned with it and in those that were not. */
function ofTunedImages(model) {
  const sweep = [
    '--policies',
    'prune',
    '--cuts',
    '0.15,0.3,0.45',
    '--metrics',
    'clip,novel',
    '--alignments',
    'none,next',
  ];
  return {
    name: `${model}/policies`,
    model,
    args: ['{pictures}', '--samples', '2048', '--batch', '64', ...sweep],
  };
}

const text = (samples) => ['--text', '{text}', '--samples', String(samples)];
const longText = (file, prompt) => ['--text', file, '--prompt', String(prompt), '--continuation', '64'];
const vimPolicies = `${everyPolicy},released-top`;

/**
 * `model` is a folder: of the shipped models, or of those that other seeds have made. In `args`, {pictures}, {text} and the like are
 * files that study.mjs finds.
 */
export const runs = [
  ...ofPrompts('tiny-mamba2', text(256)),
  ...ofPrompts('tiny-mamba2-2', text(128), true),
  ...ofPrompts('tiny-mamba', text(256), true),
  ofLongPrompts('tiny-mamba2', 'long-8k', [...longText('{text8k}', 8192), '--samples', '24']),
  ofLongPrompts('tiny-mamba2', 'long-64k', longText('{text64k}', 65472)),
  ...['', '-2', '-3'].flatMap((seed) =>
    ofPrompts(`tiny-copying${seed}`, ['--data', '{copying}'], seed !== ''),
  ),
  ...ofPrompts('tiny-recall', ['--data', '{recall}'], true),
  ofLongPrompts('tiny-recall', 'long-1k', ['--data', '{recall1k}']),
  ofLongPrompts('tiny-recall', 'long-8k', ['--data', '{recall8k}']),
  ...ofImages('tiny-vim', vimPolicies, 2048),
  {
    name: 'tiny-vim/options',
    model: 'tiny-vim',
    args: ['{pictures}', '--samples', '1024', '--batch', '64', ...optionSweep('0.3')],
  },
  ...ofImages('tiny-plainmamba', everyPolicy, 1024),
  ...[1, 2, 3].flatMap((seed) => ofImages(`photos-${seed}`, vimPolicies, 512, `{photos${seed}}`)),
  ...['clip-none', 'clip-next'].flatMap((how) => [1, 2].map((seed) => ofTunedImages(`tuned-${how}-${seed}`))),
];
