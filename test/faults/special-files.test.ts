// Names that stand for no ordinary file: a pipe would be waited for, a device need not end. And files that may not be read.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { loadLanguageModel, loadVisionModel } from '../../lib';
import { Journal } from '../../lib/evaluation/journal';
import { readRecords } from '../../lib/evaluation/records';
import { decodeImage } from '../../lib/vision/decode';
import { randomModel } from '../helpers/random-model';
import { spawnScript } from '../helpers/spawned';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const shape = { family: 'mamba', dModel: 16, layers: 1, vocab: 8, dState: 4 } as const;

function pipe(file: string): void {
  expect(spawnSync('mkfifo', [file]).status).toBe(0);
}

const kinds: [what: string, make: (file: string) => void][] = [
  ['a pipe', pipe],
  ['a device that never ends', (file) => symlinkSync('/dev/zero', file)],
  ['a folder', (file) => mkdirSync(file)],
];

describe.each(kinds)('%s', (what, make) => {
  const folder = () => files.writeAll(`${what}-${Math.random()}`, randomModel(shape));
  const instead = (name: string) => {
    const made = files.writeAll(`${what}-${Math.random()}`, {});
    make(path.join(made, name));
    return path.join(made, name);
  };

  test('as weights', async () => {
    const at = path.dirname(instead('model.safetensors'));
    files.write(path.join(path.basename(at), 'config.json'), randomModel(shape)['config.json']);
    await expect(loadLanguageModel(at)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
    await expect(loadVisionModel(at)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  });

  test('as a tokenizer', async () => {
    const tokenizer = instead('tokenizer.json');
    await expect(loadLanguageModel(folder(), { tokenizer })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
    });
  });

  test.each([
    ['an image', (file: string) => decodeImage(file)],
    ['records', (file: string) => readRecords([file])],
    ['a journal', (file: string) => Journal.open(file, {})],
  ])('as %s', async (_as, read) => {
    await expect(read(instead('given.jsonl'))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });
});

test('files that may not be read', async () => {
  const at = files.writeAll('closed', randomModel(shape));
  chmodSync(files.path, 0o755);
  chmodSync(path.join(at, 'model.safetensors'), 0);
  // Whoever is root may read everything, so somebody else tries.
  const uid = process.getuid?.() === 0 ? 65534 : undefined;
  const { ended } = spawnScript(
    `await skipscan.loadLanguageModel(${JSON.stringify(at)}).catch(({ code, message }) => console.log(code, message));`,
    { uid },
  );
  const { status, stdout } = await ended;
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: expect.stringMatching(/^ERR_CHECKPOINT .*model\.safetensors: the file cannot be opened: EACCES/),
  });
});
