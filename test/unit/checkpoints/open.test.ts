import { join, relative } from 'node:path';
import { openCheckpoint } from '../../../lib/checkpoints';
import { checkpointError } from '../../helpers/rejection';
import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { TemporaryDirectory } from '../../helpers/temporary';
import { stateDictPickle, torchFile } from '../../helpers/torch-file';

const temporary = new TemporaryDirectory();
const config = '{"model_type": "mamba2", "time_step_limit": [0.0, Infinity]}';
const weights = safetensorsFile({ safe: f32([1], [1]) });
const torchWeights = torchFile(stateDictPickle({ torch: { key: '0', count: 1, shape: [1] } }), {
  0: Buffer.alloc(4),
});
const index = (tensor: string, shard: string) => JSON.stringify({ weight_map: { [tensor]: shard } });

describe('openCheckpoint', () => {
  test('opens a directory and finds the files beside the weights', async () => {
    const directory = temporary.writeAll('whole', {
      'config.json': config,
      'generation_config.json': '{"eos_token_id": 0}',
      'model.safetensors': weights,
      'tokenizer.json': '{}',
      'tokenizer_config.json': '{}',
    });
    const checkpoint = await openCheckpoint(directory);
    expect(checkpoint).toMatchObject({
      directory,
      config: { model_type: 'mamba2', time_step_limit: [0, Number.POSITIVE_INFINITY] },
      configFile: join(directory, 'config.json'),
      tokenizerFile: join(directory, 'tokenizer.json'),
      tokenizerConfigFile: join(directory, 'tokenizer_config.json'),
      generationConfig: { eos_token_id: 0 },
    });
    expect(checkpoint.manifest.format).toBe('safetensors');
    expect([...checkpoint.manifest.tensors.keys()]).toEqual(['safe']);
  });

  test('leaves out what is not there', async () => {
    const directory = temporary.writeAll('bare', { 'config.json': config, 'model.safetensors': weights });
    const { tokenizerFile, tokenizerConfigFile, generationConfig } = await openCheckpoint(directory);
    expect([tokenizerFile, tokenizerConfigFile, generationConfig]).toEqual([undefined, undefined, undefined]);
  });

  const shards = { 'shard.safetensors': weights, 'shard.bin': torchWeights };
  const choices: [first: string, files: Record<string, string | Uint8Array>, format: string][] = [
    ['model.safetensors', { 'model.safetensors': weights }, 'safetensors'],
    [
      'model.safetensors.index.json',
      { 'model.safetensors.index.json': index('safe', 'shard.safetensors') },
      'safetensors',
    ],
    ['pytorch_model.bin', { 'pytorch_model.bin': torchWeights }, 'torch'],
    [
      'pytorch_model.bin.index.json',
      { 'pytorch_model.bin.index.json': index('torch', 'shard.bin') },
      'torch',
    ],
  ];

  test.each(choices.map((choice, i) => [...choice, i] as const))(
    'prefers %s to what follows it',
    async (_first, _files, format, i) => {
      const later = Object.assign({}, ...choices.slice(i).map(([, files]) => files));
      const directory = temporary.writeAll(`choice${i}`, { 'config.json': '{}', ...shards, ...later });
      const { manifest } = await openCheckpoint(directory);
      expect(manifest.format).toBe(format);
      expect([...manifest.tensors.keys()]).toEqual([format === 'torch' ? 'torch' : 'safe']);
    },
  );

  test.each([
    ['any.safetensors', weights, 'safetensors'],
    ['any.bin', torchWeights, 'torch'],
    ['any.pth', torchWeights, 'torch'],
    ['any.pt', torchWeights, 'torch'],
  ])('opens the file %s', async (name, contents, format) => {
    const directory = temporary.writeAll('files', { 'config.json': '{"a": 1}', [name]: contents });
    const { manifest, config, directory: found } = await openCheckpoint(join(directory, name));
    expect([manifest.format, config, found]).toEqual([format, { a: 1 }, directory]);
  });

  test('opens a relative path that looks like a hub id', async () => {
    temporary.writeAll('org/name', { 'config.json': '{}', 'model.safetensors': weights });
    const before = process.cwd();
    process.chdir(temporary.path);
    try {
      expect((await openCheckpoint('org/name')).manifest.tensors.size).toBe(1);
    } finally {
      process.chdir(before);
    }
  });

  test('says what a folder without weights holds', async () => {
    const directory = temporary.writeAll('none', {
      'config.json': '{}',
      'flax_model.msgpack': '',
      'a.txt': '',
    });
    const expected =
      'no weights were found; expected one of model.safetensors, model.safetensors.index.json, pytorch_model.bin,' +
      ' pytorch_model.bin.index.json. The folder holds a.txt, config.json, flax_model.msgpack.';
    expect(await checkpointError(openCheckpoint(directory))).toBe(`${directory}: ${expected}`);
    expect(await checkpointError(openCheckpoint(temporary.writeAll('empty', {})))).toContain(
      'The folder is empty.',
    );
  });

  test('needs config.json, and valid JSON in it', async () => {
    const directory = temporary.writeAll('unconfigured', { 'model.safetensors': weights });
    expect(await checkpointError(openCheckpoint(directory))).toBe(
      `${directory}: config.json is missing beside model.safetensors. Copy it from the model's repository.`,
    );
    temporary.write('unconfigured/config.json', '{"a": ');
    expect(await checkpointError(openCheckpoint(directory))).toContain(
      'config.json: the file is not valid JSON: ',
    );
    temporary.write('unconfigured/config.json', '{}');
    temporary.write('unconfigured/generation_config.json', '[]');
    expect(await checkpointError(openCheckpoint(directory))).toContain(
      'generation_config.json: the file holds an array',
    );
  });

  test.each([
    './missing/model',
    '../missing/model',
    '/missing/model',
    '~/missing/model',
    'missing/model/deeper',
    'missing',
    'missing/model.safetensors',
    'missing/model.pth',
    'missing/config.json',
    'org/..',
    '.hidden/model',
    'org/na me',
    'https://huggingface.co/org/name',
  ])('never looks for the path %s on the network', async (source) => {
    const fetched = jest.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('touched the network'));
    try {
      expect(await checkpointError(openCheckpoint(source))).toContain(
        `${source}: there is no such file or directory`,
      );
      expect(fetched).not.toHaveBeenCalled();
    } finally {
      fetched.mockRestore();
    }
  });

  test('explains "~"', async () => {
    expect(await checkpointError(openCheckpoint('~/model'))).toContain(
      '"~" is not expanded here; use os.homedir().',
    );
  });

  test('refuses other files', async () => {
    const file = temporary.write('other/model.gguf', 'GGUF');
    expect(await checkpointError(openCheckpoint(file))).toContain(
      'the name of a weights file ends in .safetensors, .bin, .pth, .pt; found "model.gguf"',
    );
  });

  test.each([[''], [undefined], [5], [{}]])('refuses the source %p', async (source) => {
    await expect(openCheckpoint(source as string)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(
        'Expected a directory, a weights file or a hub id for source but received',
      ),
    });
  });

  test('rejects with the reason of a signal that is aborted', async () => {
    const reason = new Error('stop');
    await expect(openCheckpoint(temporary.path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('keeps relative paths relative', async () => {
    const directory = relative(
      process.cwd(),
      temporary.writeAll('rel', { 'config.json': '{}', 'model.safetensors': weights }),
    );
    expect((await openCheckpoint(directory)).configFile).toBe(join(directory, 'config.json'));
  });
});
