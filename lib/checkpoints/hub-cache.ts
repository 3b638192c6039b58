import { createHash, type Hash, randomUUID } from 'node:crypto';
import {
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { removeAbandoned } from '../atomic-file';
import { badCheckpoint } from '../errors';
import { bytes, isFile } from './files';

/** A file of a repository as the server describes it. */
export type RemoteFile = {
  name: string;
  size: number;
  /** What the cache calls its contents, and what they must hash to: 64 hex digits of LFS (SHA-256), or 40 of git. */
  objectId: string;
};

/** A full commit hash: the only name of a snapshot in the cache. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/**
 * One model or data set in the Hugging Face cache, in the layout all its libraries share: contents in `blobs`, links to them by
 * file name in `snapshots/<commit>`, branches and tags in `refs`, and in `.no_exist/<commit>` the names of files that
 * the repository is known not to have.
 *
 * Callers pass names, commits and object ids that were checked to be plain, so every path stays inside.
 */
export class RepoCache {
  readonly directory: string;

  constructor(cacheDir: string, id: string, type: 'model' | 'dataset' = 'model') {
    this.directory = join(cacheDir, `${type}s--${id.replace('/', '--')}`);
  }

  snapshot(commit: string): string {
    return join(this.directory, 'snapshots', commit);
  }

  /** The commit that a branch or tag had when it was last downloaded. */
  async commitOf(revision: string): Promise<string | undefined> {
    const commit = await readFile(join(this.directory, 'refs', revision), 'utf8').catch(() => '');
    return isCommit(commit.trim()) ? commit.trim() : undefined;
  }

  async setCommit(revision: string, commit: string): Promise<void> {
    const ref = join(this.directory, 'refs', revision);
    await mkdir(dirname(ref), { recursive: true });
    await writeFile(ref, commit);
  }

  /** The files of a snapshot whose contents are there too. */
  async present(commit: string): Promise<Set<string>> {
    const names = await readdir(this.snapshot(commit)).catch(() => []);
    const readable = await Promise.all(names.map((name) => isFile(join(this.snapshot(commit), name))));
    return new Set(names.filter((_, i) => readable[i]));
  }

  /** The same for a repository with folders, by their paths with `/`. */
  async presentDeep(commit: string): Promise<string[]> {
    const directory = this.snapshot(commit);
    const names = await readdir(directory, { recursive: true }).catch(() => []);
    const readable = await Promise.all(names.map((name) => isFile(join(directory, name))));
    return names.filter((_, i) => readable[i]).map((name) => name.split(sep).join('/'));
  }

  /** The files that the repository is known not to have at this commit. */
  async absent(commit: string): Promise<Set<string>> {
    return new Set(await readdir(join(this.directory, '.no_exist', commit)).catch(() => []));
  }

  async setAbsent(commit: string, names: Iterable<string>): Promise<void> {
    const directory = join(this.directory, '.no_exist', commit);
    await mkdir(directory, { recursive: true });
    for (const name of names) await writeFile(join(directory, name), '');
  }

  /** Adds a file whose contents another snapshot brought already; false when they are not there. */
  async link(commit: string, { name, size, objectId }: RemoteFile): Promise<boolean> {
    const blob = join(this.directory, 'blobs', objectId);
    const found = await stat(blob).catch(() => undefined);
    if (found?.size !== size) return false;
    const pointer = join(this.snapshot(commit), name);
    await mkdir(dirname(pointer), { recursive: true });
    // Made under another name and moved, so that other processes never see the snapshot without the file.
    const temporary = `${pointer}.${randomUUID()}`;
    await symlink(relative(dirname(pointer), blob), temporary).catch(() => copyFile(blob, temporary));
    await rename(temporary, pointer);
    return true;
  }

  /**
   * Writes and links a file. Contents that are not what the server announced, by size or hash, are thrown away. A file has its name
   * once it is whole and on the disk; what a process that was killed has left of one goes when it is downloaded again.
   *
   * @param download starts to bring the contents.
   * @param received is called with the size of each piece as it arrives.
   */
  async store(
    commit: string,
    file: RemoteFile,
    download: () => Promise<AsyncIterable<Uint8Array>>,
    received: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const blob = join(this.directory, 'blobs', file.objectId);
    const temporary = `${blob}.${randomUUID()}${incompleteEnding}`;
    await mkdir(dirname(blob), { recursive: true });
    await removeAbandoned(dirname(blob), `${file.objectId}.`, incompleteEnding);
    const hash = objectHash(file);
    let size = 0;
    async function* contents() {
      for await (const piece of await download()) {
        size += piece.length;
        if (size > file.size) throw mismatch(file, `sends more than the announced ${bytes(file.size)}`);
        hash.update(piece);
        received(piece.length);
        yield piece;
      }
    }
    try {
      const handle = await open(temporary, 'wx');
      try {
        await writeFile(handle, contents(), { signal });
        if (size < file.size) throw mismatch(file, `sent ${bytes(size)} of ${bytes(file.size)}`);
        if (hash.digest('hex') !== file.objectId) {
          throw mismatch(file, 'sent contents that differ from their announced hash');
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.#place(temporary, blob, file.size);
    } finally {
      await rm(temporary, { force: true });
    }
    await this.link(commit, file);
  }

  /** Contents that another download brought meanwhile stay: somebody may be reading them. */
  async #place(temporary: string, blob: string, size: number): Promise<void> {
    try {
      await link(temporary, blob);
    } catch {
      const found = await stat(blob).catch(() => undefined);
      if (found?.size !== size) await rename(temporary, blob);
    }
  }
}

const incompleteEnding = '.incomplete';

/** The hash that gives the file's object id from its contents. */
function objectHash({ size, objectId }: RemoteFile): Hash {
  return objectId.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

function mismatch(file: RemoteFile, problem: string): Error {
  return badCheckpoint(
    file.name,
    `the download failed: the server ${problem}. Nothing of it was kept; try again.`,
  );
}
