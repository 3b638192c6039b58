// Reduced vision models: against the executable specification of docs/reduction.md, and against what ToP-ViM's public code computes.
// Which tokens stay exactly, values within 10 times the float32 noise that the references state.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { merge, type Policy, prune, releasedTop, uniform, utrc, type VisionModel } from '../../lib';
import { loadTestVisionModel } from '../helpers/load-model';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { reference } from '../helpers/reference';

type Params = {
  policy: { name: string; keep: number; q_hidden?: number; q_residual?: number; fuse?: boolean };
  layers: number[];
  alignment: 'none' | 'next' | 'previous';
  conv?: 'compact' | 'aligned';
  metric?: 'clip';
  source?: 'gated';
  model: string;
  images: string;
};
type Case = { name: string; params: Params; outputs: Record<string, string> };
type Level = { worst_float32_noise: Record<string, number>; cases: Case[] };

const makers: Record<string, (o: never) => Policy> = { utrc, prune, merge, uniform };

function policyOf({ policy, layers, alignment, conv, metric, source }: Params): Policy {
  const { name, q_hidden, q_residual, ...rest } = policy;
  const q = name === 'utrc' ? { hidden: { q: q_hidden }, residual: { q: q_residual } } : {};
  return makers[name]({ ...rest, ...q, layers, alignment, conv, importance: { metric, source } } as never);
}

/** The kept positions of one image. */
const positionsOf = (kept: { offsets: Int32Array; positions: Int32Array }, image: number) => [
  ...kept.positions.subarray(kept.offsets[image], kept.offsets[image + 1]),
];

const file = reference('reduction/vision.json');
const families = ['vim', 'plainmamba'];
(file ? describe.each(families) : describe.skip.each(families))('%s', (family) => {
  if (!file) {
    test('the reference data lies beside the repository', () => {});
    return;
  }
  const level: Level = JSON.parse(readFileSync(file, 'utf8'));
  const cases = level.cases.filter(({ name }) => name.startsWith(`${family}.`));
  const tolerance = 10 * level.worst_float32_noise[`${family}.logits`];
  let model: VisionModel;
  let goldens: Map<string, Golden>;
  let images: Map<string, Golden>;
  beforeAll(async () => {
    const folder = path.resolve(path.dirname(file), cases[0].params.model);
    goldens = await readTensors(file.replace(/json$/, 'safetensors'));
    images = await readTensors(path.join(folder, 'golden.safetensors'));
    model = await loadTestVisionModel(path.join(folder, 'model.safetensors'));
  });
  afterAll(() => model.dispose());

  test.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, { params, outputs }) => {
    const { data, shape } = images.get(params.images.replace(/^.*:(.*)\[.*$/, '$1'))!;
    const image = data.length / shape[0];
    const two = await model.forward(data.subarray(0, 2 * image), [2, 3, shape[2], shape[3]], {
      reduction: policyOf(params),
    });
    for (const b of [0, 1]) {
      const logits = two.logits.subarray(b * two.numClasses, (b + 1) * two.numClasses);
      expect(maxDifference(logits, goldens.get(outputs[`image${b}.logits`])!.data)).toBeLessThan(tolerance);
      for (const i of params.layers.keys()) {
        expect(positionsOf(two.kept[i], b)).toEqual(goldens.get(outputs[`image${b}.kept${i}`])!.ints);
      }
    }
  });
});

(reference('vision/topvim') ? describe : describe.skip)("ToP-ViM's public code", () => {
  let model: VisionModel;
  let golden: Map<string, Golden>;
  let noise: Record<'single.logits', { max_abs: number }>;
  const reduction = releasedTop({ layers: [4, 9, 14] });
  beforeAll(async () => {
    const folder = reference('vision/topvim')!;
    golden = await readTensors(path.join(folder, 'golden.safetensors'));
    noise = JSON.parse(readFileSync(path.join(folder, 'noise.json'), 'utf8'));
    model = await loadTestVisionModel(path.join(folder, 'model.safetensors'));
  });
  afterAll(() => model.dispose());

  /** What indices into the sequence that enters a pruning mean for positions: it keeps them, and its class token in the middle. */
  function keptPositions(before: number[], indices: number[]): number[] {
    const kept = indices.map((i) => before[i]);
    kept.splice(kept.length / 2, 0, before[Math.floor(before.length / 2)]);
    return kept;
  }

  test.each([1, 3])(
    '%i images at a time: logits and the tokens that stay are those of each image alone',
    async (count) => {
      const { data, shape } = golden.get('images')!;
      const image = data.length / shape[0];
      for (let first = 0; first < shape[0]; first += count) {
        const { logits, kept, numClasses } = await model.forward(
          data.subarray(first * image, (first + count) * image),
          [count, 3, shape[2], shape[3]],
          { reduction },
        );
        const want = golden
          .get('single.logits')!
          .data.subarray(first * numClasses, (first + count) * numClasses);
        expect(maxDifference(logits, want)).toBeLessThan(10 * noise['single.logits'].max_abs);
        for (let b = 0; b < count; b += 1) {
          let positions = Array.from({ length: 65 }, (_, i) => i);
          for (const i of [0, 1, 2]) {
            const { ints, shape: of } = golden.get(`single.prune${i}.kept`)!;
            positions = keptPositions(positions, ints.slice((first + b) * of[1], (first + b + 1) * of[1]));
            expect(positionsOf(kept[i], b)).toEqual(positions);
          }
        }
      }
    },
  );
});
