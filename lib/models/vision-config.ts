import { SkipscanError } from '../errors';
import { ConfigReader, type Json, largestWidth, mostLayers } from './config-reader';
import { describesLanguage } from './model-config';
import { patchesAlong } from './vision-grid';

/** The shape of a vision model: ViM (arXiv 2401.09417) or PlainMamba (arXiv 2403.17695). */
export type VisionConfig = {
  /** Which of the two. */
  readonly family: 'vim' | 'plainmamba';
  /** Blocks. */
  readonly layers: number;
  /** Channels of the residual stream. */
  readonly dModel: number;
  /** Channels of the scan. */
  readonly dInner: number;
  /** States of each channel. */
  readonly dState: number;
  /** Channels that time steps are made from. */
  readonly dtRank: number;
  /** ViM: taps of the causal convolution. PlainMamba: side of the 2-D window. */
  readonly convWidth: number;
  /** Classes of the head. */
  readonly numClasses: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Pixels from one patch to the next. PlainMamba's is `patchSize`. */
  readonly stride: number;
  /** Height and width of the images that the model was trained on. Others are accepted. */
  readonly imageSize: readonly [number, number];
  /** Rows and columns of patches in the position embedding. */
  readonly grid: readonly [number, number];
  /** What norms add to the mean square, or to the variance. */
  readonly normEps: number;
  /** ViM's is `normEps`. */
  readonly finalNormEps: number;
  /** ViM only: the two directions are averaged, not summed. */
  readonly divideOut: boolean;
  /** PlainMamba only, as is all that follows: 3x3 convolutions between the stem and the patches. */
  readonly stemConvs: number;
  /** Layers that end in a depthwise convolution, counted from 0. */
  readonly depthwiseLayers: readonly number[];
  /** Whether the input and output projections have a bias. */
  readonly projectionBias: boolean;
  /** What batch norms add to the variance. */
  readonly batchNormEps: number;
};

/** The larger sizes that the engine's convolutions take: taps of the causal one, side of the 2-D one. */
const mostTaps = 16;
const largestWindow = 15;
/** The window of a patch is a row of the first product. */
const largestPatch = 1024;

/**
 * The model that a config.json describes, with the fields of the authors' constructors: `embed_dim` and `depth` for ViM,
 * `embed_dims` and `num_layers` for PlainMamba. Absent fields have the values of the published models; fields of other names
 * are ignored.
 *
 * @throws SkipscanError `ERR_CHECKPOINT` naming the file and the field, `ERR_UNSUPPORTED` for what the engine does not compute
 */
export function parseVisionConfig(file: string, json: Json): VisionConfig {
  const reader = new ConfigReader(file, json);
  if (describesLanguage(json)) {
    throw new SkipscanError(
      'ERR_UNSUPPORTED',
      `${file}: this is the config of a language model. Load it with loadLanguageModel().`,
    );
  }
  if (reader.has('embed_dim')) return fromVim(reader);
  if (reader.has('embed_dims')) return fromPlainMamba(reader);
  throw new SkipscanError(
    'ERR_UNSUPPORTED',
    `${file}: found neither "embed_dim" (ViM) nor "embed_dims" (PlainMamba); expected the config of a vision model. ` +
      `A published checkpoint needs none: leave the file out, or pass the option model.`,
  );
}

function fromVim(c: ConfigReader): VisionConfig {
  c.only('rms_norm', [true]);
  c.only('if_bidirectional', [false]);
  c.only('if_rope', [false]);
  c.only('if_abs_pos_embed', [true]);
  c.only('if_cls_token', [true]);
  c.only('use_middle_cls_token', [true]);
  c.only('use_double_cls_token', [false]);
  c.only('bimamba_type', ['v2']);
  c.only('channels', [3]);
  c.only('init_layer_scale', [0]);
  const dModel = c.size('embed_dim', undefined, largestWidth);
  const patchSize = c.size('patch_size', 16, largestPatch);
  const stride = c.size('stride', patchSize, largestPatch);
  const imageSize = pair(c.sizes('img_size', 2, [224, 224]));
  const grid = imageSize.map((side) => patchesAlong({ family: 'vim', patchSize, stride }, side));
  if (grid.some((n) => n < 1)) c.fail('img_size', `at least the patch size ${patchSize}`, imageSize);
  const normEps = c.epsilon('norm_eps', 1e-5);
  return {
    family: 'vim',
    layers: c.size('depth', 24, mostLayers),
    dModel,
    dInner: c.product('expand', 2, dModel),
    dState: c.size('d_state', 16, 4096),
    dtRank: rank(c, dModel),
    convWidth: c.size('d_conv', 4, mostTaps),
    numClasses: c.size('num_classes', 1000),
    patchSize,
    stride,
    imageSize,
    grid: checkedGrid(c, pair(grid)),
    normEps,
    finalNormEps: normEps,
    divideOut: c.flag(c.has('if_devide_out') ? 'if_devide_out' : 'if_divide_out', true),
    stemConvs: 0,
    depthwiseLayers: [],
    projectionBias: false,
    batchNormEps: 0,
  };
}

function fromPlainMamba(c: ConfigReader): VisionConfig {
  c.only('use_rms_norm', [false]);
  c.only('final_norm', [true]);
  c.only('in_channels', [3]);
  c.only('conv_bias', [true]);
  c.only('init_layer_scale', [null, 0]);
  const dModel = c.size('embed_dims', undefined, largestWidth);
  const patchSize = c.size('patch_size', 16, largestPatch);
  if (patchSize % 2 !== 0)
    c.fail('patch_size', 'an even number (the stem halves the image first)', patchSize);
  const imageSize = pair(c.sizes('img_size', 2, [224, 224]));
  const grid = imageSize.map((side) =>
    patchesAlong({ family: 'plainmamba', patchSize, stride: patchSize }, side),
  );
  const layers = c.size('num_layers', 24, mostLayers);
  const convWidth = c.size('conv_size', 7, largestWindow);
  if (convWidth % 2 === 0) c.fail('conv_size', 'an odd number', convWidth);
  return {
    family: 'plainmamba',
    layers,
    dModel,
    dInner: c.product('expand', 2, dModel),
    dState: c.size('d_state', 16, 4096),
    dtRank: rank(c, dModel),
    convWidth,
    numClasses: c.size('num_classes', 1000),
    patchSize,
    stride: patchSize,
    imageSize,
    grid: checkedGrid(c, pair(grid)),
    normEps: c.epsilon('layer_norm_eps', 1e-5),
    finalNormEps: c.epsilon('final_norm_eps', 1e-6),
    divideOut: false,
    stemConvs: c.whole('num_convs_patch_embed', 0, 64, 1),
    depthwiseLayers: c.indices('layers_with_dwconv', layers - 1, []),
    projectionBias: c.flag('bias', true),
    batchNormEps: c.epsilon('batchnorm_eps', 1e-5),
  };
}

/** The grid that a config names must be the one its sizes make. */
function checkedGrid(c: ConfigReader, grid: readonly [number, number]): readonly [number, number] {
  if (!c.has('grid')) return grid;
  const [rows, columns] = c.sizes('grid', 2);
  if (rows !== grid[0] || columns !== grid[1]) {
    c.fail('grid', `[${grid.join(', ')}], as img_size, patch_size and stride make it,`, c.raw('grid'));
  }
  return grid;
}

function pair([height, width]: readonly number[]): readonly [number, number] {
  return [height, width];
}

function rank(c: ConfigReader, dModel: number): number {
  return c.has('dt_rank') && c.raw('dt_rank') !== 'auto'
    ? c.size('dt_rank', undefined, largestWidth)
    : Math.ceil(dModel / 16);
}
