import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '../../lib/text/random';
import { json, run } from '../helpers/command-line';
import { randomVisionModel } from '../helpers/random-vision-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const labels = ['red', 'green', 'blue', 'grey', 'black', 'white'];
const vim = { embed_dim: 16, depth: 4, img_size: 32, patch_size: 8, num_classes: 6, d_state: 4, dt_rank: 2 };
const plain = {
  embed_dims: 16,
  num_layers: 4,
  img_size: 32,
  patch_size: 8,
  num_classes: 6,
  d_state: 4,
  dt_rank: 2,
};
const random = new Random(3);
let model: string;
let plainModel: string;
/** Folders by class, of two images each. */
let folder: string;
let image: string;

async function drawImage(file: string, width: number, height: number): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const data = Uint8Array.from({ length: width * height * 3 }, () => random.nextUint32() & 255);
  await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(4 * width)
    .png()
    .toFile(file);
}

beforeAll(async () => {
  model = files.writeAll('vim', { ...randomVisionModel(vim), 'labels.txt': labels.join('\n') });
  plainModel = files.writeAll('plain', randomVisionModel(plain));
  folder = path.join(files.path, 'images');
  for (const label of labels) {
    for (const i of [0, 1]) await drawImage(path.join(folder, label, `${i}.png`), 12 + i, 10);
  }
  image = path.join(folder, 'red', '0.png');
});

describe('the shipped model', () => {
  const samples = path.resolve(__dirname, '../../models/tiny-vim/samples');
  let names: string[];
  beforeAll(() => {
    names = readdirSync(samples);
  });
  const labelOf = (name: string) => path.parse(name).name;
  const shapes = path.join(files.path, 'shapes');

  test('knows its samples but the cross, and most of them with 15 % of the work left out', () => {
    expect(names.length).toBeGreaterThan(4);
    const { images } = json(['classify', ...names.map((name) => path.join(samples, name))]);
    expect(images.map(({ classes }: { classes: { label: string }[] }) => classes[0].label)).toEqual(
      names.map((name) => labelOf(name).replace('cross', 'star')),
    );
    for (const name of names) {
      mkdirSync(path.join(shapes, labelOf(name)), { recursive: true });
      copyFileSync(path.join(samples, name), path.join(shapes, labelOf(name), name));
    }
    const reduction = ['--reduce', 'recommended', '--flops', '0.15'];
    const [{ results, data }] = json(['eval', shapes, ...reduction, '--dense']).tasks;
    expect(data.naming).toBe('label');
    expect(results[0].metrics.top1.mean).toBeCloseTo(1 - 1 / names.length);
    expect(results[1].metrics.top1.mean).toBeGreaterThan(0.5);
  });

  test('explains a sample', async () => {
    const output = path.join(files.path, 'sample.png');
    const { status, stdout } = run(['explain', path.join(samples, names[0]), '--output', output]);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^\w+ \(\d+\.\d %\)\nprune left \d+, \d+, \d+ of 65 tokens after layers 1, 3, 4: 3\d\.\d % /,
    );
    expect((await sharp(output).metadata()).format).toBe('png');
  });
});

describe('classify', () => {
  test('says what every image shows, the most probable first', () => {
    const other = path.join(folder, 'blue', '1.png');
    const report = json(['classify', image, other, '--model', model, '--top', '3', '--device', 'cpu']);
    expect(report).toMatchObject({ model, dtype: 'f32', device: 'cpu' });
    expect(report.images.map(({ image }: { image: string }) => image)).toEqual([image, other]);
    for (const { classes } of report.images) {
      expect(classes).toHaveLength(3);
      for (const { label, index } of classes) expect(label).toBe(labels[index]);
      const probabilities = classes.map(({ probability }: { probability: number }) => probability);
      expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
    }
    const { status, stdout, stderr } = run(['classify', image, '--model', model, '--top', '2']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe(image);
    expect(lines[1]).toMatch(new RegExp(`^ +\\d+\\.\\d %  ${report.images[0].classes[0].label}$`));
  });

  test.each([
    ['prune', ['--flops', '0.3', '--metric', 'novel', '--align', 'none'], 17],
    ['merge', ['--keep', '0.7'], 17],
    ['ltmp', ['--prune-below', '0.01', '--merge-above', '0.5'], 17],
    ['released-top', [], 17],
    ['recommended', ['--flops', '0.3'], 17],
  ])('--reduce %s says what is left', (name, options, tokens) => {
    const args = ['classify', image, '--model', model, '--reduce', name, ...options];
    const { reduction } = json(args);
    expect(reduction.policy.name).toBe(name === 'recommended' ? 'prune' : name);
    expect(reduction.tokens).toBe(tokens);
    const counts = reduction.kept.map(({ tokens }: { tokens: number }) => tokens);
    expect(counts).toHaveLength(reduction.policy.layers.length);
    expect(counts.at(-1)).toBeLessThan(tokens);
    expect(reduction.saved).toBeGreaterThan(0);
    expect(run(args).stderr).toMatch(new RegExp(`left ${counts.join(', ')} of ${tokens} tokens after layer`));
  });

  test('names of classes from a file; a model without any numbers them', () => {
    const file = files.write('names.txt', labels.map((label) => `very ${label}`).join('\n'));
    const [{ classes }] = json(['classify', image, '--model', model, '--labels', file]).images;
    expect(classes[0].label).toBe(`very ${labels[classes[0].index]}`);
    const [own] = json(['classify', image, '--model', plainModel]).images;
    expect(own.classes[0].label).toBe(`class ${own.classes[0].index}`);
  });
});

describe('explain', () => {
  test('draws what a reduction keeps; the recommended one unless told otherwise', async () => {
    const output = path.join(files.path, 'explained.png');
    const report = json(['explain', image, '-o', output, '--model', model]);
    expect(report).toMatchObject({
      model,
      image,
      output,
      reduction: { policy: { name: 'prune', flopsReduction: 0.3 } },
    });
    expect(labels).toContain(report.classes[0].label);
    const { format, width, height } = await sharp(output).metadata();
    expect(format).toBe('png');
    expect(width! / height!).toBeGreaterThan(1); // a panel for each reduction

    const args = [
      'explain',
      image,
      '--output',
      output,
      '--model',
      plainModel,
      '--reduce',
      'uniform',
      '--keep',
      '0.5',
    ];
    const before = readFileSync(output);
    const { status, stdout } = run(args);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^class \d \(\d+\.\d %\)\nuniform left 8, .* of 16 tokens after layers 0, 1, 2: .*\nwritten to .*\n$/,
    );
    expect(readFileSync(output).equals(before)).toBe(false);
    expect(
      json(['explain', image, '-o', output, '--model', model, '--flops', '0.4']).reduction.policy,
    ).toMatchObject({
      flopsReduction: 0.4,
    });
  });
});

describe('eval', () => {
  test('measures a folder of images', () => {
    const report = json(['eval', folder, '--model', model, '--batch', '5']);
    expect(report).toMatchObject({ model: { source: model, family: 'vim', dtype: 'f32' } });
    expect(report.protocol).toBeUndefined();
    const [{ results, ...task }] = report.tasks;
    expect(task).toMatchObject({
      task: 'images',
      samples: 12,
      data: { folder, classes: 6, naming: 'label' },
    });
    expect(results).toHaveLength(1);
    const [{ metrics, flopsRatio, values, ...rest }] = results;
    expect({ flopsRatio, rest }).toEqual({ flopsRatio: 1, rest: {} });
    expect(metrics.top5.mean).toBeGreaterThanOrEqual(metrics.top1.mean);
    // As often as classify is right.
    const all = labels.flatMap((label) => [0, 1].map((i) => path.join(folder, label, `${i}.png`)));
    const { images } = json(['classify', ...all, '--model', model, '--top', '1']);
    const right = images.filter(
      ({ classes }: { classes: { index: number }[] }, i: number) => classes[0].index === i >> 1,
    );
    expect(metrics.top1.mean).toBeCloseTo(right.length / 12, 12);
    expect(values.top1).toHaveLength(12);
  });

  test('a reduction, and dense beside it', () => {
    const args = ['eval', folder, '--model', model, '--reduce', 'recommended', '--flops', '0.4'];
    const reduced = json(args).tasks[0].results;
    expect(reduced).toHaveLength(1);
    const [dense, beside] = json([...args, '--dense']).tasks[0].results;
    expect([dense.reduction, beside.reduction.name]).toEqual([undefined, 'prune']);
    expect(beside.metrics).toEqual(reduced[0].metrics);
    expect(beside.flopsRatio).toBeLessThan(0.75);
    expect(beside.difference.top1.mean).toBeCloseTo(beside.metrics.top1.mean - dense.metrics.top1.mean, 12);
    const { status, stdout } = run([...args, '--dense', '--limit', '6', '--seed', '2']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/, f32 weights\), 6 classes, folders by label\n\nimages: 6 samples\n/);
    expect(stdout).toMatch(/^dense +\d+\.\d\d ± \d+\.\d\d .* 100 %$/m);
    expect(stdout).toMatch(/^prune +\d+\.\d\d ± \d+\.\d\d .* \d\d(\.\d)? %$/m);
    expect(stdout).toMatch(/^difference +[+-]?\d+\.\d\d ± \d+\.\d\d/m);
  });
});

test('inspect tells vision models, with and without a config', () => {
  const { stdout } = run(['inspect', model]);
  expect(stdout).toContain(
    'vim, 4 layers, d_model 16, d_inner 32, d_state 4, 4 x 4 patches of 8 pixels in 32 x 32, 6 classes\n' +
      'sizes by config.json, safetensors weights: ',
  );
  expect(stdout).toMatch(/^layers\.3\.mixer\.A_b_log +\[32, 4\] +f32$/m);
  const weights = files.write(
    'alone/model.safetensors',
    readFileSync(path.join(plainModel, 'model.safetensors')),
  );
  const report = json(['inspect', weights]);
  expect(report.config).toMatchObject({ family: 'plainmamba', layers: 4, numClasses: 6 });
  expect(report.tensors).toContainEqual({
    name: 'backbone.ln1.weight',
    dtype: 'f32',
    shape: [16],
    byteLength: 64,
  });
});

test('bench vision measures models of published shapes', () => {
  const report = json([
    'bench',
    'vision',
    '--models',
    'vim-tiny',
    '--batch',
    '1',
    '--rounds',
    '1',
    '--flops',
    '0.45',
    '--device',
    'cpu',
    '--threads',
    '1',
    '--profile',
  ]);
  expect(report).toMatchObject({ rounds: 1, threads: 1, device: 'cpu' });
  const [{ model, parameters, publishedFlops, batches }] = report.models;
  expect({ model, parameters }).toEqual({ model: 'vim-tiny', parameters: 7148008 });
  expect(publishedFlops.oneDirection / 1e9).toBeCloseTo(1.449, 3);
  const [{ batch, tokens, dense, reduced }] = batches;
  expect({ batch, tokens }).toEqual({ batch: 1, tokens: 197 });
  expect(reduced).toHaveLength(1);
  expect(reduced[0].reduction.saved).toBeGreaterThanOrEqual(0.45);
  expect(reduced[0].logits.largest).toBeGreaterThan(0);
  expect(reduced[0].imagesPerSecond / dense.imagesPerSecond).toBeCloseTo(reduced[0].speedup, 9);
  const [{ work, operators }] = report.profile.profiles;
  expect(work).toBe('vim-tiny, dense, batch of 1');
  expect(operators).toContainEqual(expect.objectContaining({ name: 'selective_scan', calls: 2 * 24 }));
});

test.each<[string[], string]>([
  [['classify'], 'Expected an image.'],
  [['classify', 'x.png', '--top', '0'], "Expected a whole number from 1 for --top but received '0'."],
  [
    ['classify', 'x.png', '--architecture', 'resnet'],
    "plainmamba-l3 for --architecture but received 'resnet'.",
  ],
  [['classify', 'x.png', '--flops', '0.2'], 'Received --flops without --reduce.'],
  [
    ['classify', 'x.png', '--reduce', 'prune', '--keep', '0.5', '--protect-last', '4'],
    "Unknown option '--protect-last'",
  ],
  [['explain', 'x.png'], 'Expected --output, the PNG file to write.'],
  [['explain', '-o', 'y.png'], 'Expected an image.'],
  [['explain', 'x.png', '-o', 'y.png', '--metric', 'l1'], 'Received --metric with recommended'],
  [['eval'], 'Expected a folder of images or --tasks.'],
  [['eval', 'x', '--protect-last', '3'], 'Received --protect-last with a folder of images, but it is an'],
  [['eval', 'x', '--batch', '0'], 'Expected a whole number from 1 for --batch'],
])('wrong usage: %j exits with 2', (args, message) => {
  const { status, stdout, stderr } = run(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain(`Usage: skipscan ${args[0]}`);
});

test('what is not there or cannot be read fails with its name', () => {
  const broken = files.write('broken.png', 'no image');
  const failures: [string[], string][] = [
    [['classify', image, 'nothing.png'], '"nothing.png", which does not exist'],
    [['classify', image, broken, image], 'broken.png'],
    [['explain', broken, '-o', path.join(files.path, 'never.png')], 'broken.png'],
    [['eval', path.join(files.path, 'nowhere')], 'nowhere cannot be read'],
    [['eval', files.path], 'is none of these.'],
    [['classify', image, '--reduce', 'prune', '--keep', '0.5', '--metric', 'state'], "'novel'"],
  ];
  for (const [args, message] of failures) {
    const { status, stdout, stderr } = run([...args, '--model', model]);
    expect({ args, status, stdout }).toEqual({ args, status: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('(ERR_ARGUMENT)');
  }
  writeFileSync(path.join(folder, 'white', '2.png'), 'no image');
  const { status, stderr } = run(['eval', folder, '--model', model]);
  expect(status).toBe(1);
  expect(stderr).toContain(path.join(folder, 'white', '2.png'));
});
