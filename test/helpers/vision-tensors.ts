import type { VisionConfig } from '../../lib/models/vision-config';
import { tokensOf } from '../../lib/models/vision-grid';

/** The names and shapes of a model's tensors in the authors' checkpoints, as ../shared/reference/vision/README.md lists them. */
export function visionShapes(config: VisionConfig): Map<string, number[]> {
  return new Map(config.family === 'vim' ? vimShapes(config) : plainMambaShapes(config));
}

type Shapes = [name: string, shape: number[]][];

function vimShapes(c: VisionConfig): Shapes {
  const { dModel: d, dInner: I, dState: N, dtRank: R, convWidth: k, patchSize: p } = c;
  const shapes: Shapes = [
    ['cls_token', [1, 1, d]],
    ['pos_embed', [1, tokensOf(c, c.grid[0] * c.grid[1]), d]],
    ['patch_embed.proj.weight', [d, 3, p, p]],
    ['patch_embed.proj.bias', [d]],
    ['norm_f.weight', [d]],
    ['head.weight', [c.numClasses, d]],
    ['head.bias', [c.numClasses]],
  ];
  for (let i = 0; i < c.layers; i += 1) {
    const mixer = `layers.${i}.mixer.`;
    shapes.push(
      [`layers.${i}.norm.weight`, [d]],
      [`${mixer}in_proj.weight`, [2 * I, d]],
      [`${mixer}out_proj.weight`, [d, I]],
      [`${mixer}A_log`, [I, N]],
      [`${mixer}A_b_log`, [I, N]],
      [`${mixer}D`, [I]],
      [`${mixer}D_b`, [I]],
    );
    for (const suffix of ['', '_b']) {
      shapes.push(
        [`${mixer}conv1d${suffix}.weight`, [I, 1, k]],
        [`${mixer}conv1d${suffix}.bias`, [I]],
        [`${mixer}x_proj${suffix}.weight`, [R + 2 * N, I]],
        [`${mixer}dt_proj${suffix}.weight`, [I, R]],
        [`${mixer}dt_proj${suffix}.bias`, [I]],
      );
    }
  }
  return shapes;
}

function plainMambaShapes(c: VisionConfig): Shapes {
  const { dModel: d, dInner: I, dState: N, dtRank: R, convWidth: k, patchSize: p } = c;
  const shapes: Shapes = [
    ['backbone.pos_embed', [1, c.grid[0] * c.grid[1], d]],
    ['backbone.patch_embed.stem.0.weight', [64, 3, 7, 7]],
    ...batchNorm('backbone.patch_embed.stem.1', 64),
    ['backbone.patch_embed.projection.weight', [d, 64, p / 2, p / 2]],
    ['backbone.patch_embed.projection.bias', [d]],
    ['backbone.ln1.weight', [d]],
    ['backbone.ln1.bias', [d]],
    ['head.fc.weight', [c.numClasses, d]],
    ['head.fc.bias', [c.numClasses]],
  ];
  for (let i = 0; i < c.stemConvs; i += 1) {
    const convs = 'backbone.patch_embed.convs.';
    shapes.push([`${convs}${3 * i}.weight`, [64, 64, 3, 3]], ...batchNorm(`${convs}${3 * i + 1}`, 64));
  }
  for (let i = 0; i < c.layers; i += 1) {
    const layer = `backbone.layers.${i}.`;
    const mamba = `${layer}mamba.`;
    shapes.push([`${layer}norm.weight`, [d]], [`${layer}norm.bias`, [d]]);
    if (c.depthwiseLayers.includes(i)) {
      shapes.push([`${layer}dw.0.weight`, [d, 1, 3, 3]], ...batchNorm(`${layer}dw.1`, d));
    }
    shapes.push(
      [`${mamba}in_proj.weight`, [2 * I, d]],
      [`${mamba}conv2d.weight`, [I, 1, k, k]],
      [`${mamba}conv2d.bias`, [I]],
      [`${mamba}x_proj.weight`, [R + 2 * N, I]],
      [`${mamba}dt_proj.weight`, [I, R]],
      [`${mamba}dt_proj.bias`, [I]],
      [`${mamba}A_log`, [I, N]],
      [`${mamba}D`, [I]],
      [`${mamba}direction_Bs`, [5, N]],
      [`${mamba}out_proj.weight`, [d, I]],
    );
    if (c.projectionBias) shapes.push([`${mamba}in_proj.bias`, [2 * I]], [`${mamba}out_proj.bias`, [d]]);
  }
  return shapes;
}

function batchNorm(name: string, channels: number): Shapes {
  return ['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.${part}`, [channels]]);
}
