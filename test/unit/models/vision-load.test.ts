import { join } from 'node:path';
import { openVisionCheckpoint, type TensorEntry } from '../../../lib/checkpoints';
import { SkipscanError } from '../../../lib/errors';
import { matchTensors } from '../../../lib/models/names';
import { labelsFor } from '../../../lib/models/vision-labels';
import { configFor, loadVisionModel } from '../../../lib/models/vision-load';
import { publishedConfig } from '../../../lib/models/vision-names';
import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';
import { visionShapes } from '../../helpers/vision-tensors';

const files = new TemporaryDirectory();
const tiny = publishedConfig('vim-tiny');

/** A checkpoint that has not been written anywhere: what opening one gives. */
function checkpoint(shapes: Map<string, number[]>, config?: Record<string, unknown>) {
  const tensors = new Map<string, TensorEntry>();
  for (const [name, shape] of shapes) {
    tensors.set(name, { file: 'x/model.pth', offset: 0, byteLength: 4, dtype: 'f32', shape });
  }
  return {
    directory: 'x',
    weightsFile: 'x/model.pth',
    manifest: {
      format: 'torch' as const,
      tensors,
      files: [{ file: 'x', size: 1n << 40n, modified: 0n, inode: 0n }],
    },
    config,
    configFile: config && 'x/config.json',
  };
}

describe('which model it is', () => {
  const twelve = visionShapes({ ...tiny, numClasses: 12 });

  test('the name says, and the head says how many classes', () => {
    const { config, described } = configFor(checkpoint(twelve, { embed_dim: 3 }), 'vim-tiny');
    expect(config).toEqual({ ...tiny, numClasses: 12 });
    expect(described.model).toBe('vim-tiny');
  });

  test('else config.json', () => {
    const { config, described } = configFor(
      checkpoint(twelve, { embed_dim: 192, num_classes: 12, norm_eps: 1e-6 }),
    );
    expect(config).toEqual({ ...tiny, numClasses: 12, normEps: 1e-6, finalNormEps: 1e-6 });
    expect(described.model).toBe('the model that config.json describes');
  });

  test('else the shapes', () => {
    const { config, described } = configFor(checkpoint(twelve));
    expect(config).toEqual({ ...tiny, numClasses: 12 });
    expect(described.model).toBe('the model that their shapes make');
  });

  test.each([
    ['backbone.embedding.weight', undefined],
    ['backbone.embeddings.weight', 'vim-tiny'],
    ['lm_head.weight', undefined],
  ] as const)('the weights of a language model (%s) are none', (name, model) => {
    expect(() => configFor(checkpoint(new Map([[name, [10, 8]]])), model)).toThrow(
      'x/model.pth: these are the weights of a language model. Load it with loadLanguageModel().',
    );
  });
});

describe('tensors that do not fit', () => {
  const slots = [...visionShapes(tiny)].map(([name, shape]) => ({ name, shape }));
  const ignored = (name: string) => name.startsWith('ema_');
  const messageOf = (shapes: Map<string, number[]>, model?: 'vim-tiny', config?: Record<string, unknown>) => {
    const found = checkpoint(shapes, config);
    const { described } = configFor(found, model);
    try {
      return matchTensors(found, slots, { described, ignored }).length;
    } catch (error) {
      expect(error).toBeInstanceOf(SkipscanError);
      return (error as SkipscanError).message;
    }
  };

  test('are named, and so is who asks for others', () => {
    const shapes = visionShapes(tiny);
    shapes.set('ema_norm_f_weight', [192]);
    expect(messageOf(shapes)).toBe(slots.length);
    shapes.set('layers.23.mixer.D_b', [385]);
    expect(messageOf(shapes)).toBe(
      'x/model.pth: layers.23.mixer.D_b has shape [385] but the model that the other shapes make asks for [384]. Use the whole ' +
        'checkpoint as it was published, or put a config.json beside it.',
    );
    expect(messageOf(shapes, 'vim-tiny')).toBe(
      'x/model.pth: layers.23.mixer.D_b has shape [385] but vim-tiny asks for [384]. Pass the name of the model that these ' +
        'weights are of, or leave the option model out.',
    );
    expect(messageOf(shapes, undefined, { embed_dim: 192 })).toBe(
      'x/model.pth: layers.23.mixer.D_b has shape [385] but config.json asks for [384]. Use the weights and the config.json that ' +
        'were published together.',
    );
    shapes.delete('norm_f.weight');
    shapes.set('norm_g.weight', [192]);
    expect(messageOf(shapes, 'vim-tiny')).toBe(
      'x: the tensors do not fit vim-tiny: it lacks norm_f.weight; it has norm_g.weight, for which the model has no place. Pass ' +
        'the name of the model that these weights are of, or leave the option model out.',
    );
  });
});

describe('labels', () => {
  test('are those given', async () => {
    const given = ['cat', 'dog'];
    const labels = await labelsFor(2, given, files.write('labels.txt', 'x\ny\n'));
    given[0] = 'changed';
    expect(labels).toEqual(['cat', 'dog']);
    expect(await labelsFor(2, files.write('given.txt', 'one\ntwo\n'), undefined)).toEqual(['one', 'two']);
  });

  test('else those beside the weights, else of ImageNet, else numbers', async () => {
    expect(await labelsFor(2, undefined, files.write('labels.json', '["a", "b"]'))).toEqual(['a', 'b']);
    const imagenet = await labelsFor(1000, undefined, undefined);
    expect(imagenet).toHaveLength(1000);
    expect(imagenet[0]).toMatch(/^tench/);
    expect(await labelsFor(3, undefined, undefined)).toEqual(['class 0', 'class 1', 'class 2']);
  });

  test('must be as many as the classes', async () => {
    await expect(labelsFor(3, ['cat', 'dog'], undefined)).rejects.toThrow(
      'Expected 3 names, one for each class of the model, for labels but received 2.',
    );
    const file = files.write('few.txt', 'a\nb\n');
    await expect(labelsFor(3, file, undefined)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(file),
    });
  });
});

describe('loadVisionModel refuses', () => {
  const weights = safetensorsFile({ 'lm_head.weight': f32([2, 2], [1, 2, 3, 4]) });

  test.each<[string, object, string]>([
    ['threads', { threads: 0 }, 'Expected a whole number from 1 to 1024 for threads but received 0.'],
    ['dtype', { dtype: 'f64' }, `Expected 'f32', 'bf16', 'f16' or 'i8' for dtype but received "f64".`],
    ['model', { model: 'vim' }, `Expected one of 'vim-tiny', 'vim-small',`],
    [
      'labels',
      { labels: 5 },
      'Expected a file, or an array with the name of every class for labels but received 5.',
    ],
    ['a label', { labels: ['a', 5] }, 'Expected a string for labels[1] but received 5.'],
    ['no file name', { labels: '' }, 'Expected a file, or an array with the name of every class for labels'],
    ['file', { file: 'a/b.pth' }, 'for file but received "a/b.pth".'],
  ])('a bad option: %s', async (_, options, message) => {
    // The CPU needs no addon to be looked for.
    const loading = loadVisionModel(files.path, { device: 'cpu', ...options } as never);
    await expect(loading).rejects.toMatchObject({ name: 'SkipscanError', code: 'ERR_ARGUMENT' });
    await expect(loading).rejects.toThrow(message);
  });

  test('a language model', async () => {
    const folder = files.writeAll('language', {
      'model.safetensors': weights,
      'config.json': '{"model_type": "mamba"}',
    });
    await expect(loadVisionModel(folder, { device: 'cpu' })).rejects.toThrow(
      `${join(folder, 'model.safetensors')}: these are the weights of a language model. Load it with loadLanguageModel().`,
    );
    expect((await openVisionCheckpoint(folder)).config).toEqual({ model_type: 'mamba' });
  });

  test('an aborted signal, with its reason', async () => {
    const reason = new Error('enough');
    await expect(
      loadVisionModel(files.path, { device: 'cpu', signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});
