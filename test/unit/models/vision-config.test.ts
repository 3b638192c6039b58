import { readFileSync } from 'node:fs';
import { parseConfig } from '../../../lib/models/config';
import { parseVisionConfig } from '../../../lib/models/vision-config';
import { classPosition, patchGrid, tokensOf } from '../../../lib/models/vision-grid';
import { publishedConfig, visionModelNames } from '../../../lib/models/vision-names';
import { reference } from '../../helpers/reference';
import { errorOf } from '../../helpers/rejection';

const vim = { embed_dim: 40, depth: 8, img_size: 64, patch_size: 8, stride: 8, num_classes: 10 };
const plain = { embed_dims: 40, num_layers: 4, img_size: 64, patch_size: 8, num_classes: 10 };
const parse = (json: object) => parseVisionConfig('folder/config.json', json as never);

test('ViM', () => {
  expect(
    parse({ ...vim, dt_rank: 3, norm_eps: 1e-6, if_divide_out: false, num_patches: 64, note: 'x' }),
  ).toEqual({
    family: 'vim',
    layers: 8,
    dModel: 40,
    dInner: 80,
    dState: 16,
    dtRank: 3,
    convWidth: 4,
    numClasses: 10,
    patchSize: 8,
    stride: 8,
    imageSize: [64, 64],
    grid: [8, 8],
    normEps: 1e-6,
    finalNormEps: 1e-6,
    divideOut: false,
    stemConvs: 0,
    depthwiseLayers: [],
    projectionBias: false,
    batchNormEps: 0,
  });
});

test('PlainMamba', () => {
  const all = {
    num_convs_patch_embed: 2,
    layers_with_dwconv: [0, 3],
    conv_size: 5,
    bias: false,
    final_norm_eps: 1e-4,
  };
  expect(parse({ ...plain, ...all })).toEqual({
    family: 'plainmamba',
    layers: 4,
    dModel: 40,
    dInner: 80,
    dState: 16,
    dtRank: 3,
    convWidth: 5,
    numClasses: 10,
    patchSize: 8,
    stride: 8,
    imageSize: [64, 64],
    grid: [8, 8],
    normEps: 1e-5,
    finalNormEps: 1e-4,
    divideOut: false,
    stemConvs: 2,
    depthwiseLayers: [0, 3],
    projectionBias: false,
    batchNormEps: 1e-5,
  });
});

test('an image may have two sides, and patches may overlap', () => {
  expect(parse({ ...vim, img_size: [64, 96], stride: 4 })).toMatchObject({
    imageSize: [64, 96],
    grid: [15, 23],
  });
  // 60 x 90 is 30 x 45 after the stem, padded to patches of 4
  expect(parse({ ...plain, img_size: [60, 90] })).toMatchObject({ imageSize: [60, 90], grid: [8, 12] });
});

test('the old spelling of if_divide_out, and dt_rank auto', () => {
  expect(parse({ ...vim, if_devide_out: false, dt_rank: 'auto' })).toMatchObject({
    divideOut: false,
    dtRank: 3,
  });
});

describe('what is refused', () => {
  const published = ' Use the config.json that was published with these weights.';
  test.each<[string, object, string]>([
    ['no width', { ...vim, embed_dim: 0 }, 'a whole number from 1 to 262144 for embed_dim but found 0.'],
    ['text', { ...vim, depth: '8' }, 'a whole number from 1 to 4096 for depth but found "8".'],
    ['half a class', { ...plain, num_classes: 1.5 }, 'for num_classes but found 1.5.'],
    [
      'a convolution too wide',
      { ...vim, d_conv: 17 },
      'a whole number from 1 to 16 for d_conv but found 17.',
    ],
    [
      'a window too wide',
      { ...plain, conv_size: 17 },
      'a whole number from 1 to 15 for conv_size but found 17.',
    ],
    ['a window without middle', { ...plain, conv_size: 4 }, 'an odd number for conv_size but found 4.'],
    [
      'an odd patch',
      { ...plain, patch_size: 7 },
      'an even number (the stem halves the image first) for patch_size but found 7.',
    ],
    [
      'three sides',
      { ...vim, img_size: [64, 64, 3] },
      'a whole number from 1 to 16777216, or 2 of them, for img_size but found [64,64,3].',
    ],
    [
      'an image below a patch',
      { ...vim, img_size: [64, 4] },
      'at least the patch size 8 for img_size but found [64,4].',
    ],
    [
      'a grid of other sizes',
      { ...vim, grid: [7, 8] },
      '[8, 8], as img_size, patch_size and stride make it, for grid but found [7,8].',
    ],
    [
      'a layer that is not there',
      { ...plain, layers_with_dwconv: [4] },
      'rising whole numbers from 0 to 3 for layers_with_dwconv',
    ],
    ['layers out of order', { ...plain, layers_with_dwconv: [2, 1] }, 'but found [2,1].'],
    ['a negative epsilon', { ...vim, norm_eps: -1 }, 'a number from 0 to 1 for norm_eps but found -1.'],
    [
      'stem convolutions',
      { ...plain, num_convs_patch_embed: -1 },
      'a whole number from 0 to 64 for num_convs_patch_embed',
    ],
    ['a flag', { ...plain, bias: 1 }, 'true or false for bias but found 1.'],
  ])('%s', (_, json, expected) => {
    const { code, message } = errorOf(() => parse(json));
    expect(code).toBe('ERR_CHECKPOINT');
    expect(message).toContain('folder/config.json: expected ');
    expect(message).toContain(expected);
    expect(message).toContain(published);
  });

  test.each<[string, object, string]>([
    [
      'RMS norms in PlainMamba',
      { ...plain, use_rms_norm: true },
      'use_rms_norm is true; supported is false.',
    ],
    ['LayerNorm in ViM', { ...vim, rms_norm: false }, 'rms_norm is false; supported is true.'],
    [
      'no class token in the middle',
      { ...vim, use_middle_cls_token: false },
      'use_middle_cls_token is false; supported is true.',
    ],
    ['something else', { width: 64 }, 'found neither "embed_dim" (ViM) nor "embed_dims" (PlainMamba)'],
    [
      'a language model',
      { model_type: 'mamba2', hidden_size: 64 },
      'this is the config of a language model. Load it with loadLanguageModel().',
    ],
    ['another one', { d_model: 64, n_layer: 2 }, 'this is the config of a language model.'],
  ])('%s', (_, json, expected) => {
    const { code, message } = errorOf(() => parse(json));
    expect(code).toBe('ERR_UNSUPPORTED');
    expect(message).toContain(`folder/config.json: `);
    expect(message).toContain(expected);
  });

  test('a vision model where a language model belongs', () => {
    for (const json of [vim, plain]) {
      expect(errorOf(() => parseConfig('config.json', json))).toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: 'config.json: this is the config of a vision model. Load it with loadVisionModel().',
      });
    }
  });
});

describe('published models', () => {
  test.each([
    ['vim-tiny', { dModel: 192, dtRank: 12, layers: 24, grid: [14, 14], stride: 16 }],
    ['vim-small', { dModel: 384, dtRank: 24, layers: 24, grid: [14, 14], stride: 16 }],
    ['vim-base', { dModel: 768, dtRank: 48, layers: 24, grid: [14, 14], stride: 16 }],
    ['vim-tiny-stride8', { dModel: 192, grid: [27, 27], stride: 8, patchSize: 16 }],
    ['vim-small-stride8', { dModel: 384, grid: [27, 27], stride: 8 }],
    ['plainmamba-l1', { dModel: 192, dtRank: 12, layers: 24, stemConvs: 1, depthwiseLayers: [0] }],
    ['plainmamba-l2', { dModel: 384, dtRank: 24, layers: 24, stemConvs: 2, depthwiseLayers: [] }],
    ['plainmamba-l3', { dModel: 448, dtRank: 28, layers: 36, stemConvs: 2, projectionBias: true }],
  ] as const)('%s', (name, expected) => {
    const config = publishedConfig(name);
    expect(config).toMatchObject(expected);
    expect(config).toMatchObject({ numClasses: 1000, imageSize: [224, 224], dState: 16 });
    expect(config.dInner).toBe(2 * config.dModel);
  });

  test('other names are refused', () => {
    const { code, message } = errorOf(() => publishedConfig('vim-huge' as never));
    expect(code).toBe('ERR_ARGUMENT');
    expect(message).toBe(
      `Expected one of '${visionModelNames.join("', '")}' for model but received "vim-huge".`,
    );
  });
});

describe('the grid', () => {
  const stride16 = publishedConfig('vim-tiny');
  const stride8 = publishedConfig('vim-tiny-stride8');
  const l1 = publishedConfig('plainmamba-l1');

  test.each([
    [stride16, 224, 224, 14, 14],
    [stride8, 224, 224, 27, 27],
    [stride16, 239, 240, 14, 15],
    [stride16, 15, 224, 0, 14],
    [l1, 224, 224, 14, 14],
    [l1, 225, 256, 15, 16],
    [l1, 1, 16, 1, 1],
  ])('%#', (config, height, width, rows, columns) => {
    expect(patchGrid(config, height, width)).toEqual({ rows, columns });
  });

  test('the class token is one more, in the middle', () => {
    expect([tokensOf(stride16, 196), tokensOf(stride8, 729), tokensOf(l1, 196)]).toEqual([197, 730, 196]);
    expect(classPosition(stride16, 197)).toBe(98);
    expect(classPosition(stride8, 730)).toBe(364);
    expect(classPosition(l1, 196)).toBeUndefined();
  });
});

const folder = reference('vision');
(folder ? describe : describe.skip)('the configs of the reference', () => {
  test.each(['vim', 'topvim', 'plainmamba'])('%s', (name) => {
    const file = `${folder}/${name}/config.json`;
    const json = JSON.parse(readFileSync(file, 'utf8'));
    const config = parseVisionConfig(file, json);
    expect(config).toMatchObject({
      family: name === 'plainmamba' ? 'plainmamba' : 'vim',
      dModel: json.embed_dim ?? json.embed_dims,
      layers: json.depth ?? json.num_layers,
      dtRank: json.dt_rank,
      convWidth: json.d_conv ?? json.conv_size,
      grid: [8, 8],
      imageSize: [64, 64],
      numClasses: 10,
      depthwiseLayers: json.layers_with_dwconv ?? [],
      stemConvs: json.num_convs_patch_embed ?? 0,
    });
  });
});
