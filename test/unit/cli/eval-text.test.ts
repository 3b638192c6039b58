import { publishedText } from '../../../lib/cli/eval-text';
import type { TaskResult } from '../../../lib/evaluation';
import { publishedConfig } from '../../../lib/models/vision-names';
import { utrc } from '../../../lib/reduction';
import { deep, mambaTwo1b3 } from '../reduction/fixtures';

const estimate = (mean: number) => ({ mean, standardError: 0 });
const lambada: TaskResult = {
  task: 'lambada_openai',
  version: '1.0',
  digest: '',
  samples: 1,
  results: [
    { metrics: { perplexity: estimate(5.1), acc: estimate(0.6) }, flopsRatio: 1, values: {} },
    {
      reduction: utrc({ layers: [10], flopsReduction: 0.2 }),
      metrics: { perplexity: estimate(24), acc: estimate(0.5) },
      flopsRatio: 0.8,
      values: {},
    },
  ],
};

test("a paper's figures beside ours", () => {
  const text = publishedText(mambaTwo1b3, [lambada]);
  expect(text).toContain('Mamba-2-1.3B in arXiv 2410.14725\n');
  expect(text).toMatch(/^dense +5\.02 +5\.10 +59\.5 %$/m);
  expect(text).toMatch(/^UTRC, 10 % +11\.16 +57\.6 %$/m);
  expect(text).toMatch(/^UTRC, 20 % +25\.94 +24\.00 +54\.6 %$/m);
  expect(text).toContain('Measured in arXiv 2410.14725: without fine-tuning; ');
});

test('of vision models what is told in words too; nothing of other shapes', () => {
  const text = publishedText(publishedConfig('plainmamba-l1'), []);
  expect(text).toMatch(/^EViT is 2\.4 to 2\.8 points below .*\nMeasured in arXiv 2409\.18962: fine-tuned/);
  expect(publishedText(deep(8), [lambada])).toBe('');
});
