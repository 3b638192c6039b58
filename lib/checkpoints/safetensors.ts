import { badCheckpoint, describe } from '../errors';
import { elementBytes, isCount, tensorBytes } from './dtypes';
import { bytes, type FileReader, rejectGitLfsPointer, withFile } from './files';
import { decodeJsonObject, isRecord } from './json';
import { readSharded } from './sharded';
import type { TensorEntry } from './types';

/**
 * The file is: header length (8 bytes, little-endian), header (JSON), data. The header maps each tensor's name to its
 * dtype, shape and range of the data.
 */
const lengthBytes = 8;

/** The limit of the reference implementation. */
const maxHeaderBytes = 100_000_000;

/**
 * Reads the header of one safetensors file.
 *
 * Every claim of it is checked: the ranges must cover the data exactly once, in the file as it is on disk, and each
 * must be as long as dtype and shape say.
 *
 * @throws SkipscanError ERR_CHECKPOINT
 */
export function readSafetensors(file: string): Promise<Map<string, TensorEntry>> {
  return withFile(file, readSafetensorsFrom);
}

/** The same for a file that is open, or held in memory. */
export async function readSafetensorsFrom(reader: FileReader): Promise<Map<string, TensorEntry>> {
  const { file } = reader;
  await rejectGitLfsPointer(reader);
  const claimed = (await reader.read(0, lengthBytes, 'the header length')).readBigUInt64LE();
  if (claimed > maxHeaderBytes) {
    throw badCheckpoint(
      file,
      `the file says that its header has ${claimed} bytes, more than the ${maxHeaderBytes} that safetensors` +
        ' allows. It is corrupt or not a safetensors file.',
    );
  }
  const headerBytes = Number(claimed);
  const header = await reader.read(lengthBytes, headerBytes, 'the header');
  const dataStart = lengthBytes + headerBytes;
  const tensors = new Map<string, TensorEntry>();
  for (const [name, claim] of Object.entries(decodeJsonObject(header, file, 'the safetensors header'))) {
    if (name !== '__metadata__') tensors.set(name, tensorEntry(file, dataStart, name, claim));
  }
  checkCoverage(file, tensors, dataStart, reader.size);
  return tensors;
}

/** Reads the headers of all shards that a `model.safetensors.index.json` names. */
export function readSafetensorsIndex(indexFile: string): Promise<Map<string, TensorEntry>> {
  return readSharded(indexFile, readSafetensors);
}

function tensorEntry(file: string, dataStart: number, name: string, claim: unknown): TensorEntry {
  const bad = (problem: string) => badCheckpoint(file, `tensor ${describe(name)}: ${problem}.`);
  if (!isRecord(claim)) throw bad(`expected an object in the header, found ${describe(claim)}`);
  const { dtype, shape, data_offsets: range } = claim;

  const type = typeof dtype === 'string' ? dtype.toLowerCase() : '';
  if (!elementBytes.has(type)) {
    throw bad(
      `unknown dtype ${describe(dtype)}; known are ${[...elementBytes.keys()].join(', ').toUpperCase()}`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw bad(`"shape" must be an array of non-negative integers, found ${describe(shape)}`);
  }
  const isRange = Array.isArray(range) && range.length === 2 && range.every(isCount) && range[0] <= range[1];
  if (!isRange) throw bad(`"data_offsets" must be [begin, end] with begin <= end, found ${describe(range)}`);

  const byteLength = range[1] - range[0];
  const needed = tensorBytes(type, shape);
  if (needed !== byteLength) {
    throw bad(
      `${type} [${shape.slice(0, 8).join(', ')}] needs ${needed === undefined ? 'more than 2^53' : needed} bytes,` +
        ` but its data_offsets span ${byteLength}`,
    );
  }
  return { file, offset: dataStart + range[0], byteLength, dtype: type, shape };
}

/** The ranges must tile the rest of the file: no byte belongs to two tensors, and none to no tensor. */
function checkCoverage(
  file: string,
  tensors: Map<string, TensorEntry>,
  dataStart: number,
  size: number,
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  let previous = 'the header';
  for (const [name, { offset, byteLength }] of inOrder) {
    const tensor = `tensor ${describe(name)}`;
    if (offset < end) throw badCheckpoint(file, `${tensor} overlaps ${previous} by ${bytes(end - offset)}.`);
    if (offset > end) {
      throw badCheckpoint(
        file,
        `no tensor claims the ${bytes(offset - end)} between ${previous} and ${tensor}.`,
      );
    }
    end = offset + byteLength;
    previous = tensor;
  }
  if (end > size) {
    throw badCheckpoint(
      file,
      `the file is truncated: its header describes ${bytes(end)}, but it has ${bytes(size)} (${bytes(end - size)}` +
        ' missing). Download it again.',
    );
  }
  if (end < size) throw badCheckpoint(file, `no tensor claims the ${bytes(size - end)} after ${previous}.`);
}
