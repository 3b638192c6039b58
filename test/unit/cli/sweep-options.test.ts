import { UsageError } from '../../../lib/cli/command';
import { sweepFromOptions } from '../../../lib/cli/sweep-options';
import { publishedConfig } from '../../../lib/models/vision-names';
import { mambaTwo1b3 } from '../reduction/fixtures';

const language = (values: Record<string, string | boolean>) => sweepFromOptions(values)(mambaTwo1b3);

test('without options: every policy that the model can have, at three cuts', () => {
  const { policies, cuts, axes, oneAtATime } = language({});
  expect(policies).toEqual(expect.arrayContaining(['utrc', 'prune', 'ltmp', 'recent', 'recommended']));
  expect(policies).not.toContain('released-top');
  expect({ cuts, axes, oneAtATime }).toEqual({ cuts: [0.1, 0.2, 0.3], axes: [], oneAtATime: false });
  const vision = sweepFromOptions({})(publishedConfig('vim-small'));
  expect(vision.policies).toContain('released-top');
  expect(vision.cuts).toEqual([0.15, 0.3, 0.45]);
});

test('lists of values become axes', () => {
  const { policies, cuts, axes, oneAtATime } = language({
    policies: 'utrc, random',
    cuts: '0.25',
    alignments: 'none,next',
    metrics: 'state',
    layers: 'paper; 1,3',
    'protect-last': '1,32',
    'q-residual': '0,0.5',
    seeds: '4,5',
    'one-at-a-time': true,
  });
  expect({ policies, cuts, oneAtATime }).toEqual({
    policies: ['utrc', 'random'],
    cuts: [0.25],
    oneAtATime: true,
  });
  expect(axes.map(({ name, path, values }) => [name, path, values])).toEqual([
    ['alignment', 'alignment', ['none', 'next']],
    ['metric', 'importance.metric', ['state']],
    [
      'layers',
      'layers',
      [
        [10, 15, 20, 25, 30, 35],
        [1, 3],
      ],
    ],
    ['protectLast', 'protectLast', [1, 32]],
    ['qResidual', 'residual.q', [0, 0.5]],
    ['seed', 'seed', [4, 5]],
  ]);
  expect(axes.at(-1)?.of).toEqual(['random']);
  expect(language({ fuse: 'no,yes' }).axes[0].values).toEqual([false, true]);
});

test.each<[Record<string, string>, string]>([
  [{ policies: 'prune,best' }, "for --policies but received 'best'."],
  [{ cuts: '0' }, 'Expected shares above 0 and below 1 for --cuts but received 0.'],
  [{ cuts: '0.1,x' }, "Expected a number for --cuts but received 'x'."],
  [{ alignments: 'none,own' }, "for --alignments but received 'own'."],
  [{ alignments: 'none,none' }, 'Expected different values for --alignments but received none twice.'],
  [{ layers: '1,a' }, "Expected a number for --layers but received 'a'."],
  [{ fuse: 'true' }, "Expected yes, no or both for --fuse but received 'true'."],
  [{ policies: 'prune', seeds: '1' }, 'Received values of seed with prune, but it is an option of random.'],
])('%j is wrong usage', (values, message) => {
  expect(() => language(values)).toThrow(UsageError);
  expect(() => language(values)).toThrow(message);
});
