import { badCheckpoint, describe } from '../errors';
import { bytes, type FileReader } from './files';

/** A stored (uncompressed) entry: `size` bytes at `offset` of the file. Its name is a key, never a path. */
export type ZipEntry = { name: string; offset: number; size: number };

/** Sizes fixed by the format (APPNOTE 4.3.7, 4.3.12, 4.3.14-16), without names, extra fields and comments. */
const localHeaderBytes = 30;
const centralHeaderBytes = 46;
const endRecordBytes = 22;
const zip64EndRecordBytes = 56;
const zip64LocatorBytes = 20;
const maxCommentBytes = 0xffff;

const localHeader = 0x04034b50;
const centralHeader = 0x02014b50;
const endRecord = 0x06054b50;
const zip64EndRecord = 0x06064b50;
const zip64Locator = 0x07064b50;

/** In a 32-bit (16-bit) field: the value is in the zip64 record instead. */
const inZip64 = 0xffffffff;
const inZip64Short = 0xffff;
const zip64ExtraField = 0x0001;

/** Far above what a checkpoint needs; what they bound is the memory that a hostile directory can claim. */
const maxDirectoryBytes = 64 << 20;
const maxEntries = 100_000;

/** True when the file starts like a zip archive. */
export async function isZip(reader: FileReader): Promise<boolean> {
  return reader.size >= 4 && (await reader.read(0, 4, 'the signature')).readUInt32LE() === localHeader;
}

/**
 * Reads the directory of a zip archive whose entries are all stored, as `torch.save` writes it; zip64 included.
 *
 * Nothing is inflated, so no entry can be larger than the file, and entries may not share bytes.
 *
 * @throws SkipscanError ERR_CHECKPOINT
 */
export async function readZip(reader: FileReader): Promise<Map<string, ZipEntry>> {
  const directory = await findDirectory(reader);
  const headers = await readCentralHeaders(reader, directory);
  const entries = new Map<string, ZipEntry>();
  let end = 0;
  let previous = '';
  for (const header of headers.sort((a, b) => a.start - b.start)) {
    const label = `zip entry ${describe(header.name)}`;
    if (entries.has(header.name)) throw badCheckpoint(reader.file, `${label} occurs twice.`);
    if (header.start < end) throw badCheckpoint(reader.file, `${label} overlaps ${previous}.`);
    const offset = await dataOffset(reader, header, label);
    end = offset + header.size;
    if (end > directory.start) {
      throw badCheckpoint(
        reader.file,
        `${label} claims ${bytes(header.size)}, ${bytes(end - directory.start)} more than there are before the zip` +
          ' directory.',
      );
    }
    previous = label;
    entries.set(header.name, { name: header.name, offset, size: header.size });
  }
  return entries;
}

type Directory = { start: number; size: number; count: number };

async function findDirectory(reader: FileReader): Promise<Directory> {
  const tailBytes = Math.min(reader.size, endRecordBytes + maxCommentBytes);
  const tailStart = reader.size - tailBytes;
  const tail = await reader.read(tailStart, tailBytes, 'the end of the zip archive');
  let at = tailBytes - endRecordBytes;
  while (
    at >= 0 &&
    !(tail.readUInt32LE(at) === endRecord && at + endRecordBytes + tail.readUInt16LE(at + 20) === tailBytes)
  ) {
    at--;
  }
  if (at < 0) {
    throw badCheckpoint(
      reader.file,
      `the file is truncated: it starts as a zip archive, but its ${bytes(reader.size)} do not end with the directory` +
        ' of one. Download it again.',
    );
  }
  let recordStart = tailStart + at;
  let directory = {
    count: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    start: tail.readUInt32LE(at + 16),
  };
  const isZip64 =
    directory.count === inZip64Short || directory.size === inZip64 || directory.start === inZip64;
  if (isZip64) ({ recordStart, directory } = await findZip64Directory(reader, recordStart));

  if (directory.size > maxDirectoryBytes || directory.count > maxEntries) {
    throw badCheckpoint(
      reader.file,
      `the zip directory claims ${directory.count} entries in ${bytes(directory.size)}; at most ${maxEntries} in` +
        ` ${bytes(maxDirectoryBytes)} are read.`,
    );
  }
  if (directory.start + directory.size > recordStart) {
    throw badCheckpoint(
      reader.file,
      `the zip directory should end at byte ${directory.start + directory.size}, after its own end record at byte` +
        ` ${recordStart}. The file is corrupt; download it again.`,
    );
  }
  return directory;
}

async function findZip64Directory(
  reader: FileReader,
  endRecordStart: number,
): Promise<{ recordStart: number; directory: Directory }> {
  const bad = () =>
    badCheckpoint(reader.file, 'the zip64 end record is missing or corrupt. Download the file again.');
  if (endRecordStart < zip64LocatorBytes) throw bad();
  const locator = await reader.read(
    endRecordStart - zip64LocatorBytes,
    zip64LocatorBytes,
    'the zip64 locator',
  );
  if (locator.readUInt32LE(0) !== zip64Locator) throw bad();
  const recordStart = Number(locator.readBigUInt64LE(8));
  if (recordStart + zip64EndRecordBytes + zip64LocatorBytes > endRecordStart) throw bad();
  const record = await reader.read(recordStart, zip64EndRecordBytes, 'the zip64 end record');
  if (record.readUInt32LE(0) !== zip64EndRecord) throw bad();
  return {
    recordStart,
    directory: {
      count: Number(record.readBigUInt64LE(32)),
      size: Number(record.readBigUInt64LE(40)),
      start: Number(record.readBigUInt64LE(48)),
    },
  };
}

/** What the directory says of an entry: where its local header starts and how many bytes it stores. */
type CentralHeader = { name: string; start: number; size: number };

async function readCentralHeaders(reader: FileReader, directory: Directory): Promise<CentralHeader[]> {
  const block = await reader.read(directory.start, directory.size, 'the zip directory');
  const headers: CentralHeader[] = [];
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    const nameAt = at + centralHeaderBytes;
    if (nameAt > block.length || block.readUInt32LE(at) !== centralHeader) throw corruptDirectory(reader, i);
    const extraAt = nameAt + block.readUInt16LE(at + 28);
    const commentAt = extraAt + block.readUInt16LE(at + 30);
    const end = commentAt + block.readUInt16LE(at + 32);
    if (end > block.length) throw corruptDirectory(reader, i);

    const name = block.toString('utf8', nameAt, extraAt);
    const label = `zip entry ${describe(name)}`;
    if (block.readUInt16LE(at + 8) & 1) throw badCheckpoint(reader.file, `${label} is encrypted.`);
    const method = block.readUInt16LE(at + 10);
    if (method !== 0) {
      throw badCheckpoint(
        reader.file,
        `${label} is compressed (method ${method}); torch.save stores its entries as they are. This is a TorchScript` +
          ' module or an archive that was packed again: save the state dict with torch.save, or convert it to safetensors.',
      );
    }
    const [size, stored, start] = wideFields(
      [block.readUInt32LE(at + 24), block.readUInt32LE(at + 20), block.readUInt32LE(at + 42)],
      block.subarray(extraAt, commentAt),
    );
    if (!Number.isSafeInteger(size) || !Number.isSafeInteger(start)) {
      throw badCheckpoint(reader.file, `${label} has no possible size and place.`);
    }
    if (size !== stored)
      throw badCheckpoint(reader.file, `${label} stores ${stored} bytes of ${size}; expected all.`);
    headers.push({ name, start, size });
    at = end;
  }
  return headers;
}

function corruptDirectory(reader: FileReader, index: number) {
  return badCheckpoint(
    reader.file,
    `the zip directory is corrupt at entry ${index}. Download the file again.`,
  );
}

/** Replaces each field that says "in zip64" by the next 8 bytes of the zip64 extra field; NaN when there are none. */
function wideFields(fields: [number, number, number], extra: Buffer): number[] {
  let wide: Buffer = extra.subarray(0, 0);
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === zip64ExtraField)
      wide = extra.subarray(at + 4, Math.min(end, extra.length));
    at = end;
  }
  let used = 0;
  return fields.map((field) => {
    if (field !== inZip64) return field;
    used += 8;
    return used <= wide.length ? Number(wide.readBigUInt64LE(used - 8)) : Number.NaN;
  });
}

/** The data follows the local header, whose extra field (torch aligns with it) only that header knows. */
async function dataOffset(
  reader: FileReader,
  { name, start }: CentralHeader,
  label: string,
): Promise<number> {
  const nameBytes = Buffer.from(name, 'utf8');
  const header = await reader.read(start, localHeaderBytes + nameBytes.length, `the header of ${label}`);
  const isHeader =
    header.readUInt32LE(0) === localHeader &&
    header.readUInt16LE(26) === nameBytes.length &&
    header.subarray(localHeaderBytes).equals(nameBytes);
  if (!isHeader) throw badCheckpoint(reader.file, `${label} is not where the zip directory says it is.`);
  return start + localHeaderBytes + nameBytes.length + header.readUInt16LE(28);
}
