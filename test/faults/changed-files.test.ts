// Weights that are changed, cut short, replaced or removed while they are loaded: an error, and never a crash or a mixture.
import { copyFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadLanguageModel } from '../../lib';
import { openCheckpoint } from '../../lib/checkpoints';
import { assertUnchanged } from '../../lib/checkpoints/file-state';
import { randomModel } from '../helpers/random-model';
import { TemporaryDirectory } from '../helpers/temporary';

const files = new TemporaryDirectory();
const model = randomModel({ family: 'mamba', dModel: 32, layers: 3, vocab: 40, dState: 4 });
const weights = model['model.safetensors'] as Buffer;
let count = 0;

/** A copy of the model, and the file of its weights. */
function copy() {
  count += 1;
  const folder = files.writeAll(`model-${count}`, model);
  return { folder, file: path.join(folder, 'model.safetensors') };
}

/** Loads it, with something done to its file when a third of the weights have been read. */
function loadWith(folder: string, fault: () => void) {
  let done = false;
  return loadLanguageModel(folder, {
    device: 'cpu',
    onProgress(read, total) {
      if (done || read < total / 3 || read === total) return;
      done = true;
      fault();
    },
  });
}

const changed = /model\.safetensors: the file was changed while it was read, so that weights of different/;

test.each<[string, (file: string) => void, RegExp]>([
  ['cut short', (file) => truncateSync(file, weights.length / 2), /ends at byte .*truncated or was changed/],
  ['emptied', (file) => truncateSync(file, 0), /ends at byte .*truncated or was changed/],
  ['made longer', (file) => writeFileSync(file, 'x', { flag: 'a' }), changed],
  ['written anew with the same length', (file) => writeFileSync(file, weights), changed],
  [
    'replaced by another of the same length',
    (file) => {
      copyFileSync(file, `${file}.new`);
      renameSync(`${file}.new`, file);
    },
    changed,
  ],
  ['removed', (file) => rmSync(file), /cannot be opened|was removed while it was read/],
])('%s', async (_what, fault, message) => {
  const { folder, file } = copy();
  await expect(loadWith(folder, () => fault(file))).rejects.toMatchObject({
    name: 'SkipscanError',
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(message),
  });
});

test('files that were only read, or got another name beside theirs, are unchanged', async () => {
  const { folder, file } = copy();
  const loaded = await loadWith(folder, () => copyFileSync(file, `${file}.copy`));
  await loaded.dispose();
});

test('a change before the first weight is read counts too', async () => {
  const { folder, file } = copy();
  const { manifest } = await openCheckpoint(folder);
  await assertUnchanged(manifest.files);
  utimesSync(file, 1, 1);
  await expect(assertUnchanged(manifest.files)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
});
