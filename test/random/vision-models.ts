// Random tiny vision models: what each kernel set makes of images and reductions, against the reference backend and against itself.
import { loadVisionModel, type Policy, type VisionModel, type WeightDtype } from '../../lib';
import { parseVisionConfig } from '../../lib/models/vision-config';
import { patchGrid } from '../../lib/models/vision-grid';
import type { Draw } from '../helpers/random';
import { randomImages, randomVisionModel, type VisionShape } from '../helpers/random-vision-model';
import { compareModels, exact, type ModelResult } from './model-results';
import type { Kind } from './operators';
import { randomPolicy } from './random-policies';
import { often } from './scan-cases';

type Case = {
  shape: VisionShape;
  seed: number;
  dtype: WeightDtype;
  threads: number;
  /** How many, and their pixels. */
  images: number;
  size: [height: number, width: number];
  reduction?: Policy;
};

function randomShape(draw: Draw, family: 'vim' | 'plainmamba', layers: number): VisionShape {
  const patch = draw.pick([4, 8]);
  const side = () => patch * draw.int(1, 6) + draw.pick([0, 0, draw.int(0, 3)]);
  const shared = {
    img_size: [side(), side()],
    patch_size: patch,
    num_classes: draw.int(2, 12),
    d_state: draw.pick([16, draw.int(1, 18)]),
    dt_rank: draw.int(1, 4),
  };
  if (family === 'vim') {
    const stride = draw.pick([patch, patch, patch / 2]);
    return { ...shared, embed_dim: draw.int(3, 36), depth: layers, stride, if_divide_out: often(draw, 0.7) };
  }
  return {
    ...shared,
    embed_dims: draw.int(3, 36),
    num_layers: layers,
    num_convs_patch_embed: draw.int(0, 2),
    layers_with_dwconv: draw.some(Array(layers).keys(), 0.3),
    conv_size: draw.pick([1, 3, 5, 7]),
    bias: often(draw, 0.7),
  };
}

function randomCase(draw: Draw): Case {
  const family = draw.pick(['vim', 'plainmamba'] as const);
  const layers = draw.int(1, 3);
  const shape = randomShape(draw, family, layers);
  const trained = shape.img_size as [number, number];
  const dtype = draw.pick(['f32', 'f32', 'bf16', 'f16', 'i8'] as const);
  const size: Case['size'] = often(draw, 0.7)
    ? trained
    : [trained[0] + draw.int(0, 9), trained[1] + draw.int(0, 9)];
  return {
    shape,
    seed: draw.nextUint32(),
    dtype,
    threads: draw.pick([1, 2, 3]),
    images: draw.int(1, 3),
    size,
    reduction: often(draw, 0.6) ? fittingPolicy(draw, shape, layers, size, dtype !== 'i8') : undefined,
  };
}

/** `released-top` needs the class token to have as many patches before it as after it. */
function fittingPolicy(draw: Draw, shape: VisionShape, layers: number, size: Case['size'], looks: boolean) {
  const config = parseVisionConfig('config.json', shape);
  const { rows, columns } = patchGrid(config, ...size);
  let policy: Policy;
  do policy = randomPolicy(draw, layers, config.family, looks);
  while (policy.name === 'released-top' && (rows * columns) % 2 !== 0);
  return policy;
}

async function results(model: VisionModel, c: Case, pixels: Float32Array): Promise<ModelResult> {
  const { logits, kept } = await model.forward(pixels, [c.images, 3, ...c.size], { reduction: c.reduction });
  return { kept: kept.map(({ positions }) => positions), values: [logits] };
}

/** Every image gets what it gets alone, to the bit. */
async function exactly(model: VisionModel, c: Case, pixels: Float32Array): Promise<number> {
  const { logits, numClasses } = await model.forward(pixels, [c.images, 3, ...c.size], {
    reduction: c.reduction,
  });
  const each = pixels.length / c.images;
  let worst = 0;
  for (let i = 0; i < c.images; i++) {
    const image = pixels.slice(i * each, (i + 1) * each);
    const alone = await model.forward(image, [1, 3, ...c.size], { reduction: c.reduction });
    worst = Math.max(worst, exact(logits.subarray(i * numClasses, (i + 1) * numClasses), alone.logits));
  }
  return worst;
}

/** As that of language models. */
const toleranceOf = ({ dtype, reduction }: Case) => (dtype === 'i8' ? 5e-3 : reduction ? 2e-4 : 1e-4);

export const visionModels: Kind = {
  name: 'vision model',
  weight: 0.25,
  async run(draw, backends, findings) {
    const c = randomCase(draw);
    const { dtype, threads } = c;
    const pixels = randomImages(draw, c.images, ...c.size);
    await compareModels(randomVisionModel(c.shape, c.seed), {
      kind: `vision model${c.reduction ? ', reduced' : ''}${dtype === 'i8' ? ' (i8)' : ''}`,
      backends,
      findings,
      draw,
      what: () => JSON.stringify(c),
      tolerance: toleranceOf(c),
      load: (folder) => loadVisionModel(folder, { device: 'cpu', dtype, threads }),
      results: (model) => results(model, c, pixels),
      invariants: (model) => exactly(model, c, pixels),
    });
  },
};
