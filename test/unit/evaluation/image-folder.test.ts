import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { openImageFolder, sampleImages } from '../../../lib/evaluation/image-folder';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
let folders = 0;

/** A folder of empty files, which are not opened. */
function layOut(names: string[]): string {
  folders += 1;
  return files.writeAll(`${folders}`, Object.fromEntries(names.map((name) => [name, ''])));
}

const found = async (names: string[], classes: Parameters<typeof openImageFolder>[1]) => {
  const folder = layOut(names);
  const { images, ...rest } = await openImageFolder(folder, classes);
  return { ...rest, images: images.map(({ file, label }) => [path.relative(folder, file), label]) };
};

const error = (names: string[], classes: Parameters<typeof openImageFolder>[1]) =>
  openImageFolder(layOut(names), classes).then(
    () => '',
    ({ code, message }) => `${message} ${code}`,
  );

test('folders by label; images sorted by name, of every format, in further folders too', async () => {
  const names = ['dog/b.JPEG', 'dog/a.png', 'dog/more/c.webp', 'dog/notes.txt', 'dog/.d.png', 'cat/x.tif'];
  expect(
    await found([...names, 'readme.md', '.git/a.png'], { numClasses: 3, labels: ['dog', 'cow', 'cat'] }),
  ).toEqual({
    folder: expect.any(String),
    classes: 2,
    naming: 'label',
    images: [
      ['cat/x.tif', 2],
      ['dog/a.png', 0],
      ['dog/b.JPEG', 0],
      ['dog/more/c.webp', 0],
    ],
  });
});

test('folders by synset id or by number', async () => {
  const synsets = { numClasses: 4, synsets: ['n1', 'n2', 'n3', 'n4'] };
  expect(await found(['n4/a.jpg', 'n2/a.jpg'], synsets)).toMatchObject({
    naming: 'synset',
    images: [
      ['n2/a.jpg', 1],
      ['n4/a.jpg', 3],
    ],
  });
  expect(await found(['10/a.jpg', '9/a.jpg'], { numClasses: 11 })).toMatchObject({
    naming: 'number',
    images: [
      ['10/a.jpg', 10],
      ['9/a.jpg', 9],
    ],
  });
});

test('other names are in sorted order where there is a folder for each class', async () => {
  const labels = ['eagle', 'owl', 'wren'];
  expect(await found(['x/1.png', 'Z/1.png', 'y/1.png'], { numClasses: 3, labels })).toMatchObject({
    naming: 'order',
    images: [
      ['Z/1.png', 0],
      ['x/1.png', 1],
      ['y/1.png', 2],
    ],
  });
});

test('links to folders are folders', async () => {
  const target = layOut(['a.jpg']);
  const folder = layOut(['1/a.jpg']);
  symlinkSync(target, path.join(folder, '0'));
  symlinkSync(path.join(target, 'nowhere'), path.join(folder, 'dangling'));
  const { images } = await openImageFolder(folder, { numClasses: 5 });
  expect(images.map(({ label }) => label)).toEqual([0, 1]);
});

test.each<[string, string[], string]>([
  [
    'a name that means nothing',
    ['dog/a.jpg', 'cow/a.jpg'],
    "2 folders and the model has 3 classes, so the folders' names must say",
  ],
  ['which name', ['dog/a.jpg', 'cow/a.jpg'], "'cow' is none of these."],
  ['names of two kinds', ['dog/a.jpg', '1/a.jpg'], 'They are named in different ways'],
  ['a class without images', ['dog/a.jpg', 'cat/a.txt'], '/cat but found none. ERR_ARGUMENT'],
  ['images without folders', ['a.jpg'], 'but found images without folders.'],
  ['nothing', [], 'but found none.'],
])('%s is an error', async (_what, names, message) => {
  expect(await error(names, { numClasses: 3, labels: ['dog', 'cat', 'owl'] })).toContain(message);
});

test('a folder that is not there is an error', async () => {
  const missing = path.join(files.path, 'missing');
  await expect(openImageFolder(missing, { numClasses: 3 })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(`The folder ${missing} cannot be read`),
  });
  mkdirSync(missing);
  await expect(openImageFolder(missing, { numClasses: 3 })).rejects.toThrow('but found none');
});

describe('sampleImages', () => {
  const images = Array.from({ length: 100 }, (_, label) => ({ file: `${label}.png`, label }));

  test('all in order where there are no more', () => {
    expect(sampleImages(images)).toEqual(images);
    expect(sampleImages(images, 100, 5)).toEqual(images);
    expect(sampleImages(images, 1000)).toEqual(images);
  });

  test('else different ones, by the seed', () => {
    const drawn = sampleImages(images, 30);
    expect(new Set(drawn).size).toBe(30);
    expect(drawn).toEqual(sampleImages(images, 30, 0));
    expect(drawn).not.toEqual(sampleImages(images, 30, 1));
    expect(images.map(({ label }) => label)).toEqual([...images.keys()]);
  });

  test('every image as often as any other', () => {
    const counts = new Array(100).fill(0);
    for (let seed = 0; seed < 2000; seed += 1) {
      for (const { label } of sampleImages(images, 10, seed)) counts[label] += 1;
    }
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(5 * Math.sqrt(180));
  });
});
