import type { Mutate } from '../engine/target';
import { withInteger } from './bytes';

/** Where the fields of a record are, after its signature: [offset, bytes]. */
type Record = { signature: number; fields: readonly [at: number, size: number][] };

/** APPNOTE 4.3.7, 4.3.12, 4.3.14, 4.3.15 and 4.3.16; 4.5.3 for the extra field, which has no signature but its number. */
const local: Record = {
  signature: 0x04034b50,
  fields: [
    [6, 2],
    [8, 2],
    [18, 4],
    [22, 4],
    [26, 2],
    [28, 2],
  ],
};
const central: Record = {
  signature: 0x02014b50,
  fields: [
    [8, 2],
    [10, 2],
    [20, 4],
    [24, 4],
    [28, 2],
    [30, 2],
    [32, 2],
    [42, 4],
  ],
};
const end: Record = {
  signature: 0x06054b50,
  fields: [
    [8, 2],
    [10, 2],
    [12, 4],
    [16, 4],
    [20, 2],
  ],
};
const end64: Record = {
  signature: 0x06064b50,
  fields: [
    [4, 8],
    [24, 8],
    [32, 8],
    [40, 8],
    [48, 8],
  ],
};
const locator: Record = {
  signature: 0x07064b50,
  fields: [
    [4, 4],
    [8, 8],
    [16, 4],
  ],
};
const records = [local, central, end, end64, locator];

/** Another number in one field of one record of a zip archive. */
export const mutateZipField: Mutate = (input, draw) => {
  const record = draw.pick(records);
  const places = placesOf(input, record.signature);
  if (places.length === 0) return input;
  const [at, size] = draw.pick(record.fields);
  return withInteger(input, draw, draw.pick(places) + at, size);
};

/** Another length of one entry's data, or of its name or extra field, with every place after it moved along. */
export const mutateZipLength: Mutate = (input, draw) => {
  const at = draw.pick(placesOf(input, local.signature).concat(0));
  const where = Math.min(input.length, at + 30 + draw.int(0, 80));
  const more = draw.int(1, 16);
  const grows = draw.next() < 0.5;
  const piece = grows ? Buffer.alloc(more, draw.int(0, 255)) : Buffer.alloc(0);
  const changed = Buffer.concat([
    input.subarray(0, where),
    piece,
    input.subarray(grows ? where : where + more),
  ]);
  return moved(changed, where, grows ? more : -more);
};

/** Raises the places of local headers and of the directory that lie at `from` or after. */
function moved(archive: Buffer, from: number, by: number): Buffer {
  for (const place of placesOf(archive, central.signature)) shift(archive, place + 42, from, by);
  for (const place of placesOf(archive, end.signature)) shift(archive, place + 16, from, by);
  return archive;
}

function shift(archive: Buffer, field: number, from: number, by: number): void {
  if (field + 4 > archive.length) return;
  const value = archive.readUInt32LE(field);
  if (value >= from && value !== 0xffffffff) archive.writeUInt32LE(Math.max(0, value + by) % 2 ** 32, field);
}

function placesOf(archive: Buffer, signature: number): number[] {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(signature);
  const places: number[] = [];
  for (let at = archive.indexOf(mark); at >= 0; at = archive.indexOf(mark, at + 1)) places.push(at);
  return places;
}

/** All of them. */
export const zipMutators: readonly Mutate[] = [mutateZipField, mutateZipLength];
