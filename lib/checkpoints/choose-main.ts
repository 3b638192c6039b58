import { extname } from 'node:path';
import { badCheckpoint } from '../errors';
import { summarizeNames } from './files';
import type { FileSelection } from './types';

/**
 * Which of these files is the one that matters, or undefined where none is.
 *
 * @param owner the folder or the repository, for errors
 * @throws SkipscanError `ERR_CHECKPOINT` where several could be it and none has a name that says so
 */
export function chooseMain(
  { main, mainEndings = [] }: FileSelection,
  names: Iterable<string>,
  owner: string,
): string | undefined {
  const present = new Set(names);
  const known = main.find((name) => present.has(name));
  if (known !== undefined) return known;
  for (const endings of mainEndings) {
    const found = [...present].filter((name) => endings.includes(extname(name)));
    if (found.length === 1) return found[0];
    if (found.length > 1) {
      throw badCheckpoint(
        owner,
        `there are ${found.length} files that can be the weights: ${summarizeNames(found)}. Choose one with the option file.`,
      );
    }
  }
  return undefined;
}
