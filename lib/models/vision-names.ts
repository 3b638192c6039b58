import { invalidArgument } from '../errors';
import { parseVisionConfig, type VisionConfig } from './vision-config';

/** The published models: ViM (hustvl/Vim; stride8: fine-tuned at 27x27 patches) and PlainMamba. All for ImageNet-1K at 224x224. */
export type VisionModelName =
  | 'vim-tiny'
  | 'vim-small'
  | 'vim-base'
  | 'vim-tiny-stride8'
  | 'vim-small-stride8'
  | 'plainmamba-l1'
  | 'plainmamba-l2'
  | 'plainmamba-l3';

/** What sets each published model apart from its family's other ones; the rest are the defaults of `parseVisionConfig`. */
const published = {
  'vim-tiny': { embed_dim: 192 },
  'vim-small': { embed_dim: 384 },
  'vim-base': { embed_dim: 768 },
  'vim-tiny-stride8': { embed_dim: 192, stride: 8 },
  'vim-small-stride8': { embed_dim: 384, stride: 8 },
  'plainmamba-l1': { embed_dims: 192, num_convs_patch_embed: 1, layers_with_dwconv: [0] },
  'plainmamba-l2': { embed_dims: 384, num_convs_patch_embed: 2 },
  'plainmamba-l3': { embed_dims: 448, num_convs_patch_embed: 2, num_layers: 36 },
} as const satisfies Record<VisionModelName, object>;

export const visionModelNames = Object.keys(published) as readonly VisionModelName[];

/**
 * The shape of a published model.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for a name that is not one of `visionModelNames`
 */
export function publishedConfig(name: VisionModelName): VisionConfig {
  const known = visionModelNames.find((each) => each === name);
  if (known === undefined) throw invalidArgument('model', `one of '${visionModelNames.join("', '")}'`, name);
  return parseVisionConfig(known, published[known]);
}
