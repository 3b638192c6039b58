import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { SkipscanError } from '../errors';
import { Random } from '../text/random';
import { type ClassNames, type ClassNaming, matchClasses } from './class-names';

/** An image file, and the class that it shows. */
export type LabelledImage = { file: string; label: number };

/** Images in one folder for each class, as ImageNet's validation set is commonly laid out. */
export type ImageFolder = {
  folder: string;
  /** Class by class, files sorted by name. Some may be in a format that cannot be decoded. */
  images: LabelledImage[];
  /** How many classes have a folder. */
  classes: number;
  /** How folders were matched with classes; `order` is that of their sorted names. */
  naming: ClassNaming | 'order';
};

const isImage = (name: string) => /\.(jpe?g|png|webp|gif|avif|tiff?|bmp|p[gp]m)$/i.test(name);
const isHidden = (name: string) => name.startsWith('.');

/**
 * Finds the images of a folder that has one folder for each class. Folders may be named by label, by synset id or by number, and
 * need not be there for every class. Names that are none of these are taken in sorted order, as torchvision's `ImageFolder` does,
 * where there are exactly as many folders as classes. Hidden files and files that are no images are passed over; a class's images
 * may lie in further folders.
 *
 * @throws SkipscanError `ERR_ARGUMENT` for a folder that is missing or laid out in another way, and for a class without images
 */
export async function openImageFolder(folder: string, names: ClassNames): Promise<ImageFolder> {
  const entries = (await list(folder)).filter(({ name }) => !isHidden(name));
  const folders: string[] = [];
  for (const entry of entries) if (await isFolder(entry)) folders.push(entry.name);
  if (folders.length === 0) {
    const found = entries.some(({ name }) => isImage(name)) ? 'images without folders' : 'none';
    throw lacking(`a folder of images for each class in ${folder}`, found);
  }
  folders.sort(byCodeUnits);
  const { naming, classes } = classesOf(folder, folders, names);
  const images: LabelledImage[] = [];
  for (const [i, name] of folders.entries()) {
    const files = await imagesIn(path.join(folder, name));
    if (files.length === 0) throw lacking(`images in ${path.join(folder, name)}`, 'none');
    images.push(...files.map((file) => ({ file, label: classes[i] })));
  }
  return { folder, images, classes: folders.length, naming };
}

/**
 * Some of the images, drawn without replacement; all of them, in their order, where there are no more.
 *
 * @param seed the same one draws the same images
 */
export function sampleImages(
  images: readonly LabelledImage[],
  limit = images.length,
  seed = 0,
): readonly LabelledImage[] {
  if (limit >= images.length) return images;
  const random = new Random(seed);
  const shuffled = [...images];
  for (let i = 0; i < limit; i += 1) {
    const j = i + Math.floor(random.next() * (shuffled.length - i));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled.slice(0, limit);
}

function classesOf(
  folder: string,
  folders: readonly string[],
  names: ClassNames,
): { naming: ImageFolder['naming']; classes: number[] } {
  const matched = matchClasses(folders, names);
  if (matched) return matched;
  if (folders.length === names.numClasses) return { naming: 'order', classes: [...folders.keys()] };
  const unknown = folders.find((name) => !matchClasses([name], names));
  const problem =
    unknown === undefined
      ? 'They are named in different ways, or two of them mean the same class.'
      : `'${unknown}' is none of these.`;
  throw new SkipscanError(
    'ERR_ARGUMENT',
    `${folder} has ${folders.length} folders and the model has ${names.numClasses} classes, so the folders' names must say ` +
      `which they are: by the model's labels, by synset ids or by numbers from 0. ${problem} Rename the folders, or give the ` +
      `labels that they are named by.`,
  );
}

function lacking(expected: string, found: string): SkipscanError {
  return new SkipscanError('ERR_ARGUMENT', `Expected ${expected} but found ${found}.`);
}

/** Links to folders are folders. */
async function isFolder(entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path.join(entry.parentPath, entry.name)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function imagesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && isImage(entry.name) && !isHidden(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort(byCodeUnits);
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new SkipscanError(
      'ERR_ARGUMENT',
      `The folder ${folder} cannot be read: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
}

/** As Python sorts names, whatever the language of the machine. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
