import { bench } from '../../../lib/cli/bench';
import { contendersFor, contendersFrom } from '../../../lib/cli/bench-policies';
import { helpOf, runCommand, UsageError } from '../../../lib/cli/command';
import { publishedConfig } from '../../../lib/models/vision-names';

const config = publishedConfig('vim-tiny');
const byDefault = { policies: ['prune', 'uniform'] as const, cuts: [0.2, 0.3] };

test('every policy with every share of FLOPs; a policy without such a share once', () => {
  const named = (values: Parameters<typeof contendersFrom>[0]) =>
    contendersFor(contendersFrom(values, byDefault), config).map(({ name, policy }) => [
      name,
      'flopsReduction' in policy ? policy.flopsReduction : undefined,
    ]);
  expect(named({})).toEqual([
    ['prune', 0.2],
    ['prune', 0.3],
    ['uniform', 0.2],
    ['uniform', 0.3],
  ]);
  expect(named({ flops: '0.1', policies: 'recommended, released-top' })).toEqual([
    ['recommended', 0.1],
    ['released-top', undefined],
  ]);
});

test.each<[string[], string]>([
  [[], 'Expected model, reduce or vision, the benchmark to run.'],
  [['everything'], "Expected model, reduce or vision as the benchmark but received 'everything'."],
  [['vision', '--length', '8'], 'Received --length with vision, but it is an option of model or reduce.'],
  [['vision', '--model', './x'], 'Received --model with vision, but it is an option of model or reduce.'],
  [['reduce', '--batch', '8'], 'Received --batch with reduce, but it is an option of model or vision.'],
  [['reduce', '--profile'], 'Received --profile with reduce, but it is an option of model or vision.'],
  [
    ['model', '--policies', 'prune'],
    'Received --policies with model, but it is an option of reduce or vision.',
  ],
  [['model', '--steps', '0'], "Expected a whole number from 1 for --steps but received '0'."],
  [['model', '--batch', '1,x'], "Expected a number for --batch but received 'x'."],
  [['model', '--flops', '0.2'], 'Received --flops without --reduce.'],
  [['model', '--reduce', 'prune', '--model', './nowhere'], 'Expected --flops or --keep with prune'],
  [['vision', '--models', 'vim-small,vim-huge'], "plainmamba-l3 for --models but received 'vim-huge'."],
  [['vision', '--batch', '1,0'], "Expected a whole number from 1 for --batch but received '0'."],
  [['vision', '--rounds', '0'], 'Expected a whole number from 1 for --rounds'],
  [['vision', '--policies', 'best'], "for --policies but received 'best'."],
  [['vision', '--flops', '1.5'], 'Expected a number above 0 and below 1'],
])('wrong usage: %j', async (args, message) => {
  const error = await runCommand(bench, args).catch((reason) => reason);
  expect(error).toBeInstanceOf(UsageError);
  expect(error.message).toContain(message);
});

test.each<[string[], string]>([
  [['vision', '--models', 'vim-tiny,plainmamba-l1', '--policies', 'released-top'], 'this is a PlainMamba'],
  [
    ['vision', '--models', 'vim-tiny', '--flops', '0.9'],
    'Ask for less, or reduce at earlier or more layers.',
  ],
])('a policy that does not fit is told before any model is made: %j', async (args, message) => {
  await expect(runCommand(bench, args)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('the help says whose an option is where not all have it, or where it means something else', () => {
  const help = helpOf(bench);
  expect(help).toMatch(/--length N +Of model\. .* to 512\. Of reduce\. .* to 2048\.$/m);
  expect(help).toMatch(/--keep SHARE +Of model\. /);
  expect(help).toMatch(/--profile +Of model, vision\. Print/);
  expect(help).toMatch(/--batch LIST +Of model\. .* to 1\. Of vision\. /);
  expect(help).toMatch(/--rounds N +How often/);
});
