import { type Command, runCommand, UsageError, type Values } from '../../../lib/cli/command';
import { reductionFromOptions } from '../../../lib/cli/reduction';
import { imageReductionOptions, reductionOptions } from '../../../lib/cli/reduction-options';
import { publishedConfig } from '../../../lib/models/vision-names';
import {
  ltmp,
  merge,
  paperSchedule,
  prune,
  random,
  recommended,
  releasedTop,
  utrc,
} from '../../../lib/reduction';
import { deep } from '../reduction/fixtures';

const config = deep(24);
const { layers } = paperSchedule(config);
const vision = publishedConfig('vim-small');

/** What the command line would reduce a language model by. */
const policy = async (...args: string[]) => (await makerFrom(reductionOptions, args))?.(config);

/** The same for a vision model. */
const imagePolicy = async (...args: string[]) => (await makerFrom(imageReductionOptions, args))?.(vision);

async function makerFrom(options: Command['options'], args: string[]) {
  let values: Values = {};
  const run = async (_: string[], given: Values) => {
    values = given;
  };
  await runCommand({ usage: '', summary: '', options, run }, args);
  return reductionFromOptions(values);
}

test('nothing is reduced unless asked for', async () => {
  expect(await policy()).toBeUndefined();
});

test.each([
  [['--reduce', 'utrc', '--flops', '0.2'], utrc({ layers, flopsReduction: 0.2 })],
  [
    ['--reduce=utrc', '--keep=0.9', '--q-hidden=0.3', '--q-residual=1', '--similarity=sum'],
    utrc({ layers, keep: 0.9, hidden: { q: 0.3 }, residual: { q: 1 }, similarity: 'sum' }),
  ],
  [
    ['--reduce=prune', '--flops=0.1', '--align=none', '--conv=aligned', '--metric=l2', '--source=ssm'],
    prune({
      layers,
      flopsReduction: 0.1,
      alignment: 'none',
      conv: 'aligned',
      importance: { metric: 'l2', source: 'ssm' },
    }),
  ],
  [
    ['--reduce=prune', '--keep=0.7', '--fuse', '--layers=10,15,20', '--protect-last=32'],
    prune({ layers: [10, 15, 20], keep: 0.7, fuse: true, protectLast: 32 }),
  ],
  [
    ['--reduce=prune', '--keep=0.7', '--source=block'],
    prune({ layers, keep: 0.7, importance: { source: 'block' } }),
  ],
  [
    ['--reduce=merge', '--keep=0.8', '--direction=forward'],
    merge({ layers, keep: 0.8, direction: 'forward' }),
  ],
  [
    ['--reduce=ltmp', '--prune-below=-0.5', '--merge-above=0.9', '--metric=sum'],
    ltmp({ layers, pruneBelow: -0.5, mergeAbove: 0.9, importance: { metric: 'sum' } }),
  ],
  [['--reduce=random', '--keep=0.8', '--random-seed=5'], random({ layers, keep: 0.8, seed: 5 })],
  [['--reduce=recommended', '--flops=0.3'], recommended(config, { flopsReduction: 0.3 })],
])('%j', async (args, expected) => {
  expect(await policy(...args)).toEqual(expected);
});

test.each(['uniform', 'recent', 'released-utrc'])(
  '%s has a name of its own and the defaults',
  async (name) => {
    expect(await policy('--reduce', name, '--flops', '0.2')).toMatchObject({
      name,
      layers,
      alignment: 'next',
    });
  },
);

test.each([
  [['--flops=0.2'], 'Received --flops without --reduce. Say which policy to reduce by.'],
  [['--fuse'], 'Received --fuse without --reduce.'],
  [['--reduce=topk', '--keep=0.5'], /^Expected utrc, .* or recommended for --reduce but received 'topk'\.$/],
  [['--reduce=utrc'], 'Expected --flops or --keep with utrc: how much to remove.'],
  [['--reduce=utrc', '--flops=0.2', '--keep=0.9'], 'Expected --flops or --keep but received both.'],
  [['--reduce=recommended'], 'Expected --flops with recommended'],
  [
    ['--reduce=recommended', '--flops=0.2', '--align=next'],
    'Received --align with recommended, but it is an option of utrc, prune,',
  ],
  [
    ['--reduce=prune', '--keep=0.9', '--q-hidden=0.5'],
    'Received --q-hidden with prune, but it is an option of utrc.',
  ],
  [['--reduce=uniform', '--keep=0.9', '--metric=l1'], 'it is an option of utrc, prune, ltmp.'],
  [['--reduce=utrc', '--keep=0.9', '--fuse'], 'Received --fuse with utrc, but it is an option of prune.'],
  [['--reduce=ltmp', '--flops=0.2'], 'Received --flops with ltmp'],
  [['--reduce=ltmp', '--prune-below=0.1'], 'Expected --prune-below and --merge-above with ltmp'],
  [['--reduce=prune', '--keep=most'], "Expected a number for --keep but received 'most'."],
  [['--reduce=prune', '--keep=0.5', '--layers=1,two'], "Expected a number for --layers but received 'two'."],
  [
    ['--reduce=prune', '--keep=0.5', '--align=own'],
    "Expected none, next or previous for --align but received 'own'.",
  ],
  // What no policy accepts is wrong usage too, and is told before a model is loaded.
  [['--reduce=prune', '--flops=1.5'], 'Expected a number above 0 and below 1'],
  [['--reduce=recommended', '--flops=0'], 'Expected a number above 0 and below 1'],
  [['--reduce=utrc', '--keep=0.4'], 'Expected at least 0.5 for keep'],
  [['--reduce=prune', '--keep=0.5', '--layers=3,2'], 'Expected rising layers'],
  [['--reduce=prune', '--keep=0.5', '--protect-last=0'], 'Expected a whole number from 1'],
])('wrong usage: %j', async (args, message) => {
  const error = await policy(...args).catch((reason) => reason);
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toMatch(message);
});

test('the help says whose an option is where not all policies have it', () => {
  expect(reductionOptions['q-hidden'].help).toMatch(/^Of utrc\. /);
  expect(reductionOptions.align.help).not.toMatch(/^Of /);
  expect(reductionOptions.reduce.help).toContain('released-utrc, released-top, ltmp, recommended');
});

test('images are reduced by the same options, at the layers of the vision paper; they have no last tokens', async () => {
  expect(await imagePolicy()).toBeUndefined();
  expect(await imagePolicy('--reduce=prune', '--flops=0.3', '--metric=novel', '--align=none')).toEqual(
    prune({
      layers: [4, 9, 14],
      flopsReduction: 0.3,
      importance: { metric: 'novel' },
      alignment: 'none',
    }),
  );
  expect(await imagePolicy('--reduce=recommended', '--flops=0.3')).toEqual(
    recommended(vision, { flopsReduction: 0.3 }),
  );
  expect(await imagePolicy('--reduce=released-top')).toEqual(releasedTop({ layers: [4, 9, 14] }));
  expect(await imagePolicy('--reduce=released-top', '--keep=0.7', '--layers=3')).toEqual(
    releasedTop({ layers: [3], keep: 0.7 }),
  );
  await expect(imagePolicy('--reduce=prune', '--keep=0.5', '--protect-last=4')).rejects.toThrow(
    "Unknown option '--protect-last'",
  );
  await expect(imagePolicy('--reduce=released-top', '--flops=0.3')).rejects.toThrow(
    'Received --flops with released-top',
  );
});
