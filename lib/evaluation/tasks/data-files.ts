import { stat } from 'node:fs/promises';
import path from 'node:path';
import { downloadDataset } from '../../checkpoints';
import { SkipscanError } from '../../errors';
import { recordEndings } from '../records';
import type { LanguageTaskDefinition } from './question';

/** Where the records of a task come from. */
export type DataOptions = {
  /**
   * A file of records, or a folder that has one named after the task: `<task>.jsonl`, `.json` or `.parquet`, with the fields of
   * the published data set. Defaults to the published data set on the hub.
   */
  data?: string;
  /** Branch, tag or commit of the data set on the hub. Defaults to `main`. */
  dataRevision?: string;
  /** Where downloads are kept. Defaults to the Hugging Face cache. */
  cacheDir?: string;
  /** Never touch the network. Defaults to the environment variable `HF_HUB_OFFLINE`. */
  offline?: boolean;
  /** Called while files are downloaded, with bytes done and bytes in all; never called when nothing is missing. */
  onProgress?: (done: number, total: number) => void;
  /** Stops the work; the call rejects with `signal.reason`. */
  signal?: AbortSignal;
};

/** The files that a task's records are in. */
export async function dataFiles(
  { name, source }: LanguageTaskDefinition,
  { data, dataRevision, ...options }: DataOptions,
): Promise<string[]> {
  if (data === undefined)
    return downloadDataset(source.id, source.files, { ...options, revision: dataRevision });
  const found = await stat(data).catch(() => undefined);
  if (found === undefined) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `${data}: expected a file of records, or a folder of such, but there is neither.`,
    );
  }
  if (!found.isDirectory()) return [data];
  const names = recordEndings.map((ending) => name + ending);
  const isThere = await Promise.all(
    names.map((file) =>
      stat(path.join(data, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const there = names.filter((_, i) => isThere[i]);
  if (there.length === 1) return [path.join(data, there[0])];
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `Expected one of ${names.join(', ')} in ${data} but found ${there.join(' and ') || 'none'}.`,
  );
}
