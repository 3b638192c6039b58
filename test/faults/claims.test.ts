// Small files that claim large things are refused before memory is taken.
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { loadLanguageModel } from '../../lib';
import { parseConfig } from '../../lib/models/config';
import { parseVisionConfig } from '../../lib/models/vision-config';
import { decodeImage } from '../../lib/vision/decode';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';
import { stateDictPickle, torchFile } from '../helpers/torch-file';

const files = new TemporaryDirectory();
const model = randomModel({ family: 'mamba2', dModel: 16, layers: 2, vocab: 8, dState: 4 });
const config = JSON.parse(model['config.json'] as string);

/** What failed, and by how many megabytes the process grew meanwhile. */
async function refused(work: Promise<unknown>) {
  const before = process.memoryUsage().rss;
  const { code, message } = await work.then(
    () => ({ code: 'nothing', message: '' }),
    (error) => error,
  );
  return { code, message, megabytes: (process.memoryUsage().rss - before) / 1e6 };
}

test.each([
  ['layers', { num_hidden_layers: 1e9 }, /from 1 to 4096 for num_hidden_layers but found 1000000000/],
  [
    'layers that weights do not have',
    { num_hidden_layers: 4096 },
    /describes 4096 layers, but the weights have \d+ tensors/,
  ],
  ['a width', { hidden_size: 1e9 }, /from 1 to 262144 for hidden_size/],
  ['an inner width', { hidden_size: 1 << 17, expand: 1 << 17 }, /from 1 to 2 for expand/],
  ['a vocabulary', { vocab_size: 1e12 }, /from 1 to 16777216 for vocab_size/],
  [
    'a vocabulary that weights do not have',
    { vocab_size: 1 << 24 },
    /has shape \[8, 16\] but config.json asks for \[16777216, 16\]/,
  ],
  [
    'a state',
    { hidden_size: 1 << 17, num_heads: 4096, head_dim: 64, state_size: 4096, num_hidden_layers: 64 },
    /the state of one sequence would have 25\d GiB .*; at most 4 are supported/,
  ],
  [
    'groups whose sizes leave 32 bits',
    { hidden_size: 1 << 17, num_heads: 1 << 18, head_dim: 1, n_groups: 1 << 18, state_size: 4096 },
    /the state of one sequence/,
  ],
  ['a long name', { hidden_act: 'x'.repeat(1e6) }, /^.{0,400}$/],
])('%s in config.json', async (_what, fields, message) => {
  const folder = files.writeAll(`config-${Math.random()}`, {
    ...model,
    'config.json': JSON.stringify({ ...config, ...fields }),
  });
  const found = await refused(loadLanguageModel(folder, { device: 'cpu' }));
  expect(found).toMatchObject({
    code: expect.stringMatching(/^ERR_(CHECKPOINT|UNSUPPORTED)$/),
    message: expect.stringMatching(message),
  });
  expect(found.megabytes).toBeLessThan(200);
});

test('the published models are within the limits', () => {
  const large = {
    model_type: 'mamba2',
    hidden_size: 4096,
    num_hidden_layers: 64,
    state_size: 128,
    num_heads: 128,
    head_dim: 64,
  };
  expect(parseConfig('config.json', large).dInner).toBe(8192);
  const vim = { embed_dim: 768, depth: 24 };
  expect(parseVisionConfig('config.json', vim).dInner).toBe(1536);
  expect(() => parseVisionConfig('config.json', { ...vim, patch_size: 1 << 20 })).toThrow(
    'from 1 to 1024 for patch_size',
  );
});

test('tensors that share the bytes of one small storage over and over', async () => {
  const shape = { family: 'mamba', dModel: 512, layers: 64, vocab: 8, dState: 4 } as const;
  const dInner = 2 * shape.dModel;
  const count = 2 * dInner * shape.dModel;
  const shapes: Record<string, number[]> = {
    'backbone.embeddings.weight': [8, shape.dModel],
    'backbone.norm_f.weight': [shape.dModel],
  };
  for (let layer = 0; layer < shape.layers; layer += 1) {
    const name = `backbone.layers.${layer}`;
    Object.assign(shapes, {
      [`${name}.norm.weight`]: [shape.dModel],
      [`${name}.mixer.in_proj.weight`]: [2 * dInner, shape.dModel],
      [`${name}.mixer.conv1d.weight`]: [dInner, 1, 4],
      [`${name}.mixer.conv1d.bias`]: [dInner],
      [`${name}.mixer.x_proj.weight`]: [32 + 2 * shape.dState, dInner],
      [`${name}.mixer.dt_proj.weight`]: [dInner, 32],
      [`${name}.mixer.dt_proj.bias`]: [dInner],
      [`${name}.mixer.A_log`]: [dInner, shape.dState],
      [`${name}.mixer.D`]: [dInner],
      [`${name}.mixer.out_proj.weight`]: [shape.dModel, dInner],
    });
  }
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, sizes]) => [name, { shape: sizes, key: '0', count }]),
  );
  const folder = files.writeAll('shared', {
    'config.json': JSON.stringify({
      model_type: 'mamba',
      hidden_size: shape.dModel,
      num_hidden_layers: shape.layers,
      vocab_size: 8,
      state_size: shape.dState,
      time_step_rank: 32,
    }),
    'pytorch_model.bin': torchFile(stateDictPickle(tensors), { '0': Buffer.alloc(4 * count) }),
  });
  const found = await refused(loadLanguageModel(folder, { device: 'cpu' }));
  expect(found).toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(
      /the tensors claim [\d,]+ bytes, but the files have [\d,]+ bytes: many of them share/,
    ),
  });
  expect(found.megabytes).toBeLessThan(200);
});

describe('an SVG image', () => {
  const picture = (inside: string) =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="8" height="8">` +
        `<rect width="8" height="8" fill="#00f"/>${inside}</svg>`,
    );

  test('shows nothing of other files', async () => {
    const red = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
      .png()
      .toBuffer();
    const other = files.write('svg/other.png', red);
    // What is inside it is shown, which tells that a picture is drawn where it may be.
    const inside = picture(
      `<image width="8" height="8" xlink:href="data:image/png;base64,${red.toString('base64')}"/>`,
    );
    expect([...(await decodeImage(inside)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
    for (const name of [other, `file://${other}`, 'other.png']) {
      const svg = picture(`<image width="8" height="8" xlink:href="${name}"/>`);
      const file = files.write('svg/picture.svg', svg);
      for (const source of [svg, file]) {
        expect([...(await decodeImage(source)).data.subarray(0, 3)]).toEqual([0, 0, 255]);
      }
    }
  });

  test('does not grow by its entities', async () => {
    const entities = Array.from(
      { length: 12 },
      (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`,
    ).join('');
    const bomb = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">${entities}]>
      <svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><text>&a12;</text></svg>`;
    const found = await refused(decodeImage(Buffer.from(bomb)));
    expect(found.code).toBe('ERR_ARGUMENT');
    expect(found.megabytes).toBeLessThan(500);
  });
});

test('an index whose shards are links out of the folder reads nothing but weights there', async () => {
  const secret = files.write('secret.txt', 'the secret text of another file');
  const folder = files.writeAll('linked', {
    'config.json': model['config.json'],
    'model.safetensors.index.json': JSON.stringify({ weight_map: { a: 'model-1.safetensors' } }),
  });
  symlinkSync(secret, path.join(folder, 'model-1.safetensors'));
  const { code, message } = await refused(loadLanguageModel(folder, { device: 'cpu' }));
  expect(code).toBe('ERR_CHECKPOINT');
  expect(message).not.toContain(readFileSync(secret, 'utf8').slice(0, 10));
});
