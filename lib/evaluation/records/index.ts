import path from 'node:path';
import { SkipscanError } from '../../errors';
import { readRegular } from '../../regular-file';
import type { DataRecord } from './data-record';
import { jsonlRecords, jsonRecords } from './json-records';
import { parquetRecords } from './parquet-records';

export { DataRecord } from './data-record';

/** Names of files that can be read end in one of these. */
export const recordEndings = ['.jsonl', '.json', '.parquet'] as const;

const readers: Record<
  string,
  (file: string, contents: Uint8Array<ArrayBuffer>, limit: number) => DataRecord[] | Promise<DataRecord[]>
> = {
  '.jsonl': jsonlRecords,
  '.json': jsonRecords,
  '.parquet': parquetRecords,
} satisfies Record<(typeof recordEndings)[number], unknown>;

/**
 * The first rows of a data set's files, which follow one another.
 *
 * @param limit how many; those after it are not looked at. Defaults to all
 * @throws SkipscanError `ERR_ARGUMENT` that names file and line, or row, of what is malformed; and for files without rows
 */
export async function readRecords(files: readonly string[], limit = Infinity): Promise<DataRecord[]> {
  let records: DataRecord[] = [];
  for (const file of files) {
    if (records.length >= limit) break;
    const read = readers[path.extname(file)];
    if (!read) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `${file}: expected a file of records whose name ends in ${recordEndings.join(', ')}.`,
      );
    }
    records = records.concat(await read(file, await contentsOf(file), limit - records.length));
  }
  if (records.length > 0) return records;
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `${files.join(', ')}: expected at least one record but found none.`,
  );
}

async function contentsOf(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readRegular(file);
  } catch (cause) {
    throw new SkipscanError('ERR_ARGUMENT', `${file} cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}
