import { readFileSync } from 'node:fs';
import { SkipscanError } from '../../../lib/errors';
import { parseVisionConfig } from '../../../lib/models/vision-config';
import { inferVisionConfig } from '../../../lib/models/vision-infer';
import { publishedConfig, visionModelNames } from '../../../lib/models/vision-names';
import { reference } from '../../helpers/reference';
import { visionShapes } from '../../helpers/vision-tensors';

type Shapes = Map<string, number[]>;
const infer = (shapes: Shapes) =>
  inferVisionConfig('model.pth', new Map([...shapes].map(([name, shape]) => [name, { shape }])));

function errorOf(shapes: Shapes): string {
  try {
    infer(shapes);
  } catch (error) {
    expect(error).toBeInstanceOf(SkipscanError);
    expect((error as SkipscanError).code).toBe('ERR_CHECKPOINT');
    return (error as SkipscanError).message;
  }
  throw new Error('expected it to throw');
}

test.each(visionModelNames)('%s is known by its shapes', (name) => {
  expect(infer(visionShapes(publishedConfig(name)))).toEqual(publishedConfig(name));
});

test('so are other sizes with as many patches', () => {
  const vim = parseVisionConfig('', {
    embed_dim: 48,
    depth: 3,
    num_classes: 7,
    d_state: 8,
    d_conv: 3,
    expand: 3,
    dt_rank: 5,
  });
  expect(infer(visionShapes(vim))).toEqual(vim);
  const sizes = {
    num_convs_patch_embed: 0,
    layers_with_dwconv: [1, 2],
    conv_size: 3,
    bias: false,
    expand: 1,
    dt_rank: 5,
  };
  const plain = parseVisionConfig('', {
    embed_dims: 48,
    num_layers: 3,
    num_classes: 7,
    img_size: 64,
    patch_size: 8,
    ...sizes,
  });
  expect(infer(visionShapes(plain))).toEqual(plain);
});

describe('what shapes do not say', () => {
  const small = parseVisionConfig('', { embed_dim: 40, depth: 2, img_size: 64, patch_size: 8 });

  test('is an error where it matters: how patches lie in the image', () => {
    expect(errorOf(visionShapes(small))).toBe(
      'model.pth: 8x8 patches of 8 pixels can be stride 8 on 64 pixels or stride 4 on 36 pixels, and the shapes do not say ' +
        'which. Put a config.json with img_size, patch_size, stride, embed_dim, depth and num_classes beside the weights, or ' +
        'pass the option model if it is a published one.',
    );
  });

  test('of a grid that is no square, its sides', () => {
    const wide = visionShapes({ ...small, grid: [8, 9] });
    expect(errorOf(wide)).toContain(
      'pos_embed (besides the class token) is for 72 patches, which are no square, so their rows and columns are not known.',
    );
    const plain = visionShapes({ ...publishedConfig('plainmamba-l1'), grid: [8, 9] });
    expect(errorOf(plain)).toContain('backbone.pos_embed is for 72 patches, which are no square');
  });
});

describe('what is refused', () => {
  const tiny = () => visionShapes(publishedConfig('vim-tiny'));

  test.each<[string, (shapes: Shapes) => void, string]>([
    [
      'tensors of something else',
      (shapes) => shapes.clear(),
      'model.pth: neither ViM (patch_embed.proj.weight, layers.0.mixer.in_proj.weight) nor PlainMamba ' +
        '(backbone.patch_embed.projection.weight) was found among the tensors.',
    ],
    [
      'a missing head',
      (shapes) => shapes.delete('head.weight'),
      "model.pth: head.weight is missing, and the model's sizes follow from it.",
    ],
    [
      'a flat position embedding',
      (shapes) => shapes.set('pos_embed', [197, 192]),
      'model.pth: pos_embed has shape [197, 192]; expected 3 axes, none of them empty.',
    ],
    [
      'an empty convolution',
      (shapes) => shapes.set('layers.0.mixer.conv1d.weight', [384, 1, 0]),
      'layers.0.mixer.conv1d.weight has shape [384, 1, 0]; expected 3 axes, none of them empty.',
    ],
    [
      'a convolution that is too wide',
      (shapes) => shapes.set('layers.0.mixer.conv1d.weight', [384, 1, 99]),
      'model.pth: expected a whole number from 1 to 16 for d_conv but found 99.',
    ],
    [
      'an inner width that is no multiple',
      (shapes) => shapes.set('layers.0.mixer.in_proj.weight', [770, 192]),
      'for expand but found 2.005',
    ],
    [
      'a position embedding without patches',
      (shapes) => shapes.set('pos_embed', [1, 1, 192]),
      'is for 0 patches, which are no square',
    ],
  ])('%s', (_, change, expected) => {
    const shapes = tiny();
    change(shapes);
    expect(errorOf(shapes)).toContain(expected);
  });
});

const folder = reference('vision');
(folder ? test : test.skip)('the shapes that tests use are the published ones', () => {
  const compared: string[] = [];
  for (const [file, family] of [
    ['official_vim_sizes.json', 'vim'],
    ['official_plainmamba_sizes.json', 'plainmamba'],
  ]) {
    const sizes = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'));
    for (const [size, { shapes, params, params_total }] of Object.entries<{
      shapes: Record<string, number[]>;
      params?: number;
      params_total?: number;
    }>(sizes)) {
      const name = family === 'vim' ? size.replaceAll('_', '-') : `plainmamba-${size.toLowerCase()}`;
      const own = visionShapes(publishedConfig(name as never));
      for (const [tensor, shape] of Object.entries(shapes)) {
        if (!tensor.endsWith('num_batches_tracked'))
          expect([tensor, own.get(tensor)]).toEqual([tensor, shape]);
      }
      const count = [...own].filter(([tensor]) => !tensor.includes('running_'));
      expect(count.reduce((n, [, shape]) => n + shape.reduce((a, b) => a * b, 1), 0)).toBe(
        params ?? params_total,
      );
      compared.push(name);
    }
  }
  expect(compared).toHaveLength(7);
});
