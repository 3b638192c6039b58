import type { TensorEntry } from '../checkpoints/types';
import { badCheckpoint, describeShape } from '../errors';
import type { Json } from './config-reader';
import { parseVisionConfig, type VisionConfig } from './vision-config';
import { patchesAlong } from './vision-grid';

type Tensors = ReadonlyMap<string, Pick<TensorEntry, 'shape'>>;

/** Which family's checkpoint it is, by the names of its tensors. */
export function visionFamily(tensors: Tensors): VisionConfig['family'] | undefined {
  if (tensors.has('patch_embed.proj.weight') && tensors.has('layers.0.mixer.in_proj.weight')) return 'vim';
  return tensors.has('backbone.patch_embed.projection.weight') ? 'plainmamba' : undefined;
}

/**
 * The model whose tensors have these shapes. What shapes do not show (epsilons, whether ViM averages its directions) is as in
 * all published models.
 *
 * @param source where the tensors are from, for errors
 * @throws SkipscanError `ERR_CHECKPOINT` for a checkpoint that is neither a ViM's nor a PlainMamba's, or whose shapes leave
 *   open how an image becomes patches
 */
export function inferVisionConfig(source: string, tensors: Tensors): VisionConfig {
  const family = visionFamily(tensors);
  if (family === undefined) {
    throw badCheckpoint(
      source,
      'neither ViM (patch_embed.proj.weight, layers.0.mixer.in_proj.weight) nor PlainMamba ' +
        '(backbone.patch_embed.projection.weight) was found among the tensors. Pass an image classification checkpoint as ' +
        'the authors of one of them publish it.',
    );
  }
  const shapes = new Shapes(source, tensors);
  return parseVisionConfig(source, family === 'vim' ? inferVim(shapes) : inferPlainMamba(shapes));
}

/** How many classes a checkpoint's head has, if it has one. */
export function classesOf(tensors: Tensors): number | undefined {
  return (tensors.get('head.weight') ?? tensors.get('head.fc.weight'))?.shape[0];
}

/** The shapes of tensors that must be there. */
class Shapes {
  constructor(
    readonly source: string,
    readonly tensors: Tensors,
  ) {}

  of(name: string, rank: number): readonly number[] {
    const shape = this.tensors.get(name)?.shape;
    if (shape === undefined) throw this.fail(`${name} is missing, and the model's sizes follow from it`);
    if (shape.length !== rank || shape.includes(0)) {
      throw this.fail(`${name} has shape ${describeShape(shape)}; expected ${rank} axes, none of them empty`);
    }
    return shape;
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** How many tensors in a row there are of `name(0)`, `name(1)`, ... */
  count(name: (index: number) => string): number {
    let found = 0;
    while (this.tensors.has(name(found))) found += 1;
    return found;
  }

  /** Rows and columns of a square grid of so many patches. */
  square(patches: number, name: string): number {
    const side = Math.sqrt(patches);
    if (Number.isInteger(side) && side > 0) return side;
    throw this.fail(
      `${name} is for ${patches} patches, which are no square, so their rows and columns are not known. Put a config.json ` +
        `with img_size, patch_size and the other sizes beside the weights`,
    );
  }

  fail(problem: string): Error {
    return badCheckpoint(this.source, `${problem}.`);
  }
}

/** The side of the images that all published models are for, in pixels. */
const publishedSide = 224;

/** What a config.json would say; `parseVisionConfig` knows the rest. */
function inferVim(shapes: Shapes): Json {
  const [embed_dim, , patch_size] = shapes.of('patch_embed.proj.weight', 4);
  const side = shapes.square(shapes.of('pos_embed', 3)[1] - 1, 'pos_embed (besides the class token)');
  return {
    img_size: publishedSide,
    patch_size,
    stride: vimStride(shapes, side, patch_size),
    embed_dim,
    depth: shapes.count((i) => `layers.${i}.mixer.in_proj.weight`),
    num_classes: shapes.of('head.weight', 2)[0],
    d_state: shapes.of('layers.0.mixer.A_log', 2)[1],
    d_conv: shapes.of('layers.0.mixer.conv1d.weight', 3)[2],
    expand: shapes.of('layers.0.mixer.in_proj.weight', 2)[0] / 2 / embed_dim,
    dt_rank: shapes.of('layers.0.mixer.dt_proj.weight', 2)[1],
  };
}

/** Patches side by side, or overlapping by half: the one that makes this grid of a published image size. */
function vimStride(shapes: Shapes, side: number, patchSize: number): number {
  const strides = patchSize % 2 === 0 ? [patchSize, patchSize / 2] : [patchSize];
  const fitting = strides.filter(
    (stride) => patchesAlong({ family: 'vim', patchSize, stride }, publishedSide) === side,
  );
  if (fitting.length === 1) return fitting[0];
  const readings = strides.map((stride) => `stride ${stride} on ${(side - 1) * stride + patchSize} pixels`);
  throw shapes.fail(
    `${side}x${side} patches of ${patchSize} pixels can be ${readings.join(' or ')}, and the shapes do not say which. Put a ` +
      `config.json with img_size, patch_size, stride, embed_dim, depth and num_classes beside the weights, or pass the ` +
      `option model if it is a published one`,
  );
}

function inferPlainMamba(shapes: Shapes): Json {
  const [embed_dims, , half] = shapes.of('backbone.patch_embed.projection.weight', 4);
  const patch_size = 2 * half;
  const side = shapes.square(shapes.of('backbone.pos_embed', 3)[1], 'backbone.pos_embed');
  const publishedGrid = patchesAlong(
    { family: 'plainmamba', patchSize: patch_size, stride: patch_size },
    publishedSide,
  );
  const num_layers = shapes.count((i) => `backbone.layers.${i}.mamba.in_proj.weight`);
  const mamba = 'backbone.layers.0.mamba.';
  return {
    // The last patch may hang over: of all sizes that make this grid, the published one where it does, else the largest.
    img_size: publishedGrid === side ? publishedSide : side * patch_size,
    patch_size,
    embed_dims,
    num_layers,
    num_convs_patch_embed: shapes.count((i) => `backbone.patch_embed.convs.${3 * i}.weight`),
    layers_with_dwconv: [...Array(num_layers).keys()].filter((i) =>
      shapes.has(`backbone.layers.${i}.dw.0.weight`),
    ),
    d_state: shapes.of(`${mamba}A_log`, 2)[1],
    conv_size: shapes.of(`${mamba}conv2d.weight`, 4)[2],
    expand: shapes.of(`${mamba}in_proj.weight`, 2)[0] / 2 / embed_dims,
    dt_rank: shapes.of(`${mamba}dt_proj.weight`, 2)[1],
    bias: shapes.has(`${mamba}in_proj.bias`),
    num_classes: shapes.of('head.fc.weight', 2)[0],
  };
}
