import { readdirSync, readFileSync } from 'node:fs';
import { readTorchObjectFrom, tensorsOf } from '../../../lib/checkpoints/torch';
import { readTorchPickle } from '../../../lib/checkpoints/torch-pickle';
import { readZip } from '../../../lib/checkpoints/zip';
import { fixture } from '../../helpers/reference';
import { pickle, stateDictPickle, torchFile } from '../../helpers/torch-file';
import { zipFile } from '../../helpers/zip-file';
import { attempt, attemptAsync, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutatePickle } from '../mutators/pickle';
import { zipMutators } from '../mutators/zip';
import { memoryFile } from './memory-file';
import { checkTensors } from './tensors';

const storages = { 0: Buffer.alloc(16), 1: Buffer.alloc(16) };
const dict = stateDictPickle({
  weight: { shape: [2, 2], key: '0', count: 4 },
  tied: { shape: [2], start: 2, key: '0', count: 4 },
  bias: { shape: [4], strides: [1], key: '1', count: 4 },
});

const fixtures = () =>
  readdirSync(fixture('torch'))
    .filter((name) => name.endsWith('.pth'))
    .map((name) => readFileSync(fixture(`torch/${name}`)));

/** A whole file: the zip archive and what is in it. */
export const torchZip: Target = {
  name: 'torch-zip',
  seeds: () => [
    ...fixtures(),
    torchFile(dict, storages),
    torchFile(dict, storages, { zip64: true, comment: 'saved' }),
    torchFile(dict, storages, { byteOrder: 'big' }),
    zipFile([{ name: 'data.pkl', data: pickle.document(pickle.emptyDict) }]),
  ],
  mutators: zipMutators,
  async run(input) {
    const reader = memoryFile(input);
    const entries = await attemptAsync(['ERR_CHECKPOINT'], () => readZip(reader));
    if (entries) checkEntries(entries, input.length);
    const tensors = await attemptAsync(['ERR_CHECKPOINT'], async () =>
      tensorsOf(reader.file, await readTorchObjectFrom(reader)),
    );
    if (tensors) checkTensors(tensors, input.length);
  },
};

/** Entries lie in the file, and no two share a byte. */
function checkEntries(entries: Awaited<ReturnType<typeof readZip>>, fileBytes: number): void {
  let end = 0;
  for (const { offset, size } of [...entries.values()].sort((a, b) => a.offset - b.offset)) {
    expect(Number.isSafeInteger(offset) && Number.isSafeInteger(size) && size >= 0, 'whole places and sizes');
    expect(offset >= end, `an entry that begins after the one before, not at ${offset}`);
    end = offset + size;
  }
  expect(end <= fileBytes, `entries within ${fileBytes} bytes, not up to ${end}`);
}

/** The pickle alone, of an archive with two storages of 16 bytes. */
export const torchPickle: Target = {
  name: 'torch-pickle',
  seeds: () => [
    ...fixtures().flatMap(picklesIn),
    pickle.document(dict),
    pickle.document(pickle.dict([pickle.text('model'), dict], [pickle.text('epoch'), pickle.integer(3)])),
  ],
  mutators: [mutatePickle],
  run(input) {
    const source = { file: 'file', name: 'x/data.pkl', prefix: 'x/', archive };
    const tensors = attempt(['ERR_CHECKPOINT'], () => tensorsOf(source.file, readTorchPickle(input, source)));
    if (tensors) checkTensors(tensors, archiveBytes);
  },
};

const archiveBytes = 96;
const archive = new Map([
  ['x/data/0', { name: 'x/data/0', offset: 64, size: 16 }],
  ['x/data/1', { name: 'x/data/1', offset: 80, size: 16 }],
]);

/** What lies between the first operation of a pickle and the descriptor after its entry. */
function picklesIn(file: Buffer): Buffer[] {
  const start = file.indexOf(Buffer.from([0x80]));
  const end = file.indexOf('PK', start);
  return start < 0 || end < 0 ? [] : [file.subarray(start, end)];
}
