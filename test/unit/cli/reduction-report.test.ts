import { describeReduction, imageReductionReport, reductionReport } from '../../../lib/cli/reduction-report';
import { publishedConfig } from '../../../lib/models/vision-names';
import { ltmp, prune } from '../../../lib/reduction';
import { deep } from '../reduction/fixtures';

const config = deep(4);
test('tokens after each reduction and FLOPs of the blocks', () => {
  const policy = prune({ layers: [0, 1], keep: 0.5 });
  const report = reductionReport(config, policy, 100, [50, 25]);
  expect(report).toMatchObject({
    policy,
    promptTokens: 100,
    kept: [
      { layer: 0, tokens: 50 },
      { layer: 1, tokens: 25 },
    ],
  });
  // The four blocks see 100, 50, 25 and 25 tokens.
  expect(report.saved).toBeCloseTo(0.5, 12);
  expect(report.flops.blocks / report.flops.denseBlocks).toBeCloseTo(0.5, 12);
  expect(describeReduction(report)).toMatch(
    /^prune left 50, 25 of 100 prompt tokens after layers 0, 1: 50\.0 % of the blocks' FLOPs saved, 0\.\d % spent on the reduction$/,
  );
});

test('thresholds leave what the prompt decides', () => {
  const policy = ltmp({ layers: [0], pruneBelow: 0, mergeAbove: 0.9 });
  const report = reductionReport(config, policy, 100, [60]);
  expect(report.saved).toBeCloseTo(0.3, 12);
  expect(describeReduction(report)).toContain('ltmp left 60 of 100 prompt tokens after layer 0: 30.0 %');
});

test("an image's tokens are those of the trained size, the class token included", () => {
  const vim = imageReductionReport(publishedConfig('vim-small'), prune({ layers: [11], keep: 0.5 }), [99]);
  expect(vim).toMatchObject({ tokens: 197, kept: [{ layer: 11, tokens: 99 }] });
  expect(vim.saved).toBeCloseTo(98 / 197 / 2, 12);
  expect(describeReduction(vim)).toMatch(
    /^prune left 99 of 197 tokens after layer 11: 24\.9 % of the blocks' FLOPs/,
  );
  const plain = imageReductionReport(
    publishedConfig('plainmamba-l1'),
    prune({ layers: [11], keep: 0.5 }),
    [98],
  );
  expect(plain.tokens).toBe(196);
  expect(plain.saved).toBeCloseTo(0.25, 12);
});
