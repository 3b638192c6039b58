// Small vision models that come with the tests, dense and reduced, against the executable specification in float64.
import { readFileSync } from 'node:fs';
import { type Policy, prune, utrc, type VisionModel } from '../../lib';
import { loadTestVisionModel } from '../helpers/load-model';
import { maxDifference } from '../helpers/read-tensors';
import { fixture } from '../helpers/reference';

type Golden = {
  layers: number[];
  cases: {
    policy: { name: 'prune' | 'utrc'; keep: number } | null;
    alignment: 'next' | 'previous';
    logits: number[][];
    kept?: number[][][];
  }[];
};

/** The pixels that golden.json describes. */
function images(count: number, height: number, width: number): Float32Array {
  const pixels: number[] = [];
  for (let k = 0; k < count; k += 1)
    for (let c = 0; c < 3; c += 1)
      for (let y = 0; y < height; y += 1)
        for (let x = 0; x < width; x += 1)
          pixels.push(
            Math.sin(0.37 * (k + 1) * x + 0.23 * y * (c + 1) + c) +
              Math.cos(0.11 * (k + 2) * y - 0.05 * x * c),
          );
  return Float32Array.from(pixels);
}

describe.each([
  ['vim', 40, 40],
  ['plainmamba', 36, 44],
])('%s', (name, height, width) => {
  const folder = fixture(`vision/${name}`);
  const { layers, cases }: Golden = JSON.parse(readFileSync(`${folder}/golden.json`, 'utf8'));
  let model: VisionModel;
  beforeAll(async () => {
    model = await loadTestVisionModel(folder);
  });
  afterAll(() => model.dispose());

  test.each(cases.map((c) => [c.policy?.name ?? 'dense', c] as const))('%s', async (_name, c) => {
    const makers = { prune, utrc };
    const reduction: Policy | undefined = c.policy
      ? makers[c.policy.name]({ keep: c.policy.keep, layers, alignment: c.alignment })
      : undefined;
    const { logits, kept } = await model.forward(images(2, height, width), [2, 3, height, width], {
      reduction,
    });
    expect(maxDifference(logits, c.logits.flat())).toBeLessThan(2e-5); // 10 times the noise of float32
    for (const [b, positions] of (c.kept ?? []).entries()) {
      const own = kept.map((k) => [...k.positions.subarray(k.offsets[b], k.offsets[b + 1])]);
      expect(own).toEqual(positions);
    }
  });
});
