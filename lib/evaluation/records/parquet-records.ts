import { SkipscanError } from '../../errors';
import { DataRecord } from './data-record';

/** Rows of a parquet file. Whole numbers of 64 bits come as numbers. */
export async function parquetRecords(
  file: string,
  contents: Uint8Array<ArrayBuffer>,
  limit: number,
): Promise<DataRecord[]> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const buffer = contents.buffer.slice(contents.byteOffset, contents.byteOffset + contents.byteLength);
  try {
    const metadata = parquetMetadata(buffer);
    const rowEnd = Math.min(limit, Number(metadata.num_rows));
    const rows = await parquetReadObjects({ file: buffer, metadata, compressors, rowEnd });
    return rows.map((row, i) => new DataRecord(`${file}, row ${i + 1}`, plain(row) as typeof row));
  } catch (cause) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `${file}: expected a parquet file, but it cannot be read: ${(cause as Error).message}. Download it again.`,
      { cause },
    );
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
