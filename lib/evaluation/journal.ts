import { constants, type FileHandle, open } from 'node:fs/promises';
import { SkipscanError, shorten } from '../errors';

/** Everything that decides what a run finds, as plain data: a run goes on from a journal only if all of it is the same. */
export type JournalHeader = Readonly<Record<string, unknown>>;

/**
 * What a run has done so far, as a JSONL file: the header, then one entry for each piece of work. An entry is there once its line
 * is complete; the beginning of a line, which a killed process may leave behind, is taken away when the file is opened again.
 */
export class Journal<Entry> implements AsyncDisposable {
  /** Those that an earlier run has left, in their order. */
  readonly entries: readonly Entry[];
  readonly #handle: FileHandle;

  private constructor(
    private readonly file: string,
    handle: FileHandle,
    entries: Entry[],
  ) {
    this.#handle = handle;
    this.entries = entries;
  }

  /**
   * Opens the journal of a run, or begins one.
   *
   * @throws SkipscanError `ERR_ARGUMENT` for the journal of another run, a file that is none, and one that cannot be written
   */
  static async open<Entry>(file: string, header: JournalHeader): Promise<Journal<Entry>> {
    const handle = await openForWriting(file);
    try {
      if (!(await handle.stat()).isFile()) throw unkept(file, new Error('it is a device or a pipe'));
      const text = await handle.readFile('utf8');
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      await handle.truncate(Buffer.byteLength(complete));
      if (complete === '') await append(file, handle, header);
      return new Journal(file, handle, entriesOf(file, complete, header) as Entry[]);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Adds an entry; when this resolves, it outlives the process. */
  append(entry: Entry): Promise<void> {
    return append(this.file, this.#handle, entry);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** Reads from the start, and writes at the end whatever was read. */
async function openForWriting(file: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a pipe could wait for ever.
    return await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK);
  } catch (cause) {
    throw unkept(file, cause);
  }
}

async function append(file: string, handle: FileHandle, value: unknown): Promise<void> {
  try {
    await handle.appendFile(`${JSON.stringify(value)}\n`);
  } catch (cause) {
    throw unkept(file, cause);
  }
}

function unkept(file: string, cause: unknown): SkipscanError {
  return new SkipscanError(
    'ERR_ARGUMENT',
    `What the run has done cannot be kept in ${file}: ${(cause as Error).message}. What it holds already is good: with room to write ` +
      'to, the same run goes on from there.',
    { cause },
  );
}

/** What a journal's complete lines hold after the header, which must be this one; nothing for a new file. */
export function entriesOf(file: string, text: string, header: JournalHeader): unknown[] {
  const [first, ...entries] = parseLines(file, text);
  if (first !== undefined) checkHeader(file, first, JSON.parse(JSON.stringify(header)));
  return entries;
}

function parseLines(file: string, text: string): unknown[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line);
    } catch (cause) {
      throw new SkipscanError(
        'ERR_ARGUMENT',
        `${file}:${i + 1}: expected the journal of an unfinished run, but this line is not JSON. Move the file away, ` +
          'or delete it to start anew.',
        { cause },
      );
    }
  });
}

function checkHeader(file: string, found: unknown, expected: JournalHeader): void {
  const before = typeof found === 'object' && found !== null ? (found as JournalHeader) : {};
  const names = [...new Set([...Object.keys(expected), ...Object.keys(before)])];
  const name = names.find((name) => JSON.stringify(before[name]) !== JSON.stringify(expected[name]));
  if (name === undefined) return;
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `${file} holds what another run has done: its ${shorten(name)} is ${shown(before[name])}, and this run's is ` +
      `${shown(expected[name])}. Finish that run with its own options, or delete the file to start anew.`,
  );
}

function shown(value: unknown): string {
  return shorten(JSON.stringify(value) ?? 'not there', 120);
}
