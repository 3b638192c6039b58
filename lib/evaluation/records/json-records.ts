import { SkipscanError } from '../../errors';
import { DataRecord } from './data-record';

/** Rows of a JSONL file: one object a line; empty lines are passed over. */
export function jsonlRecords(file: string, contents: Uint8Array, limit: number): DataRecord[] {
  const records: DataRecord[] = [];
  for (let start = 0, line = 1; start < contents.length && records.length < limit; line += 1) {
    const found = contents.indexOf(10, start);
    const end = found < 0 ? contents.length : found;
    const where = `${file}:${line}`;
    const text = decode(where, contents.subarray(start, end));
    if (text.trim() !== '')
      records.push(
        recordOf(
          where,
          parse(text, () => where),
        ),
      );
    start = end + 1;
  }
  return records;
}

/** Rows of a JSON file: an array of objects, or else what a JSONL file has, which some call JSON. */
export function jsonRecords(file: string, contents: Uint8Array, limit: number): DataRecord[] {
  const first = contents.find((byte) => byte > 32 && byte < 127);
  if (first !== '['.charCodeAt(0)) return jsonlRecords(file, contents, limit);
  const text = decode(file, contents);
  // The parser tells how far it came; an unexpected end is in the last line.
  const where = (position = text.length) => `${file}:${text.slice(0, position).split('\n').length}`;
  const rows = parse(text, where) as unknown[];
  return rows.slice(0, limit).map((row, i) => recordOf(`${file}, record ${i + 1}`, row));
}

function parse(text: string, where: (position?: number) => string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { message } = cause as Error;
    const position = /position (\d+)/.exec(message)?.[1];
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `${where(position === undefined ? undefined : Number(position))}: expected JSON but found what is none (${message}).`,
      { cause },
    );
  }
}

function recordOf(where: string, value: unknown): DataRecord {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return new DataRecord(where, value as Record<string, unknown>);
  throw new SkipscanError('ERR_ARGUMENT', `${where}: expected an object with the fields of a record.`);
}

function decode(where: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SkipscanError('ERR_ARGUMENT', `${where}: expected UTF-8 but found bytes that are not.`, {
      cause,
    });
  }
}
