// The output: a line that says what decides the results, then one for each image. A run that ended early goes on behind the last
// whole line.
import { open } from 'node:fs/promises';

/**
 * @typedef {object} Line
 * @property {string} file relative to the folder
 * @property {import('skipscan').Classification[]} [classes] from the most probable on
 * @property {string} [error] why the image could not be read
 */

export class Results {
  /** @type {import('node:fs/promises').FileHandle} */
  #handle;

  /**
   * @param {import('node:fs/promises').FileHandle} handle
   * @param {ReadonlySet<string>} done
   */
  constructor(handle, done) {
    this.#handle = handle;
    /** The images that are in the file already. */
    this.done = done;
  }

  /**
   * Opens a file of results, or begins one.
   *
   * @param {string} file
   * @param {object} header
   */
  static async open(file, header) {
    const handle = await open(file, 'a+');
    try {
      const text = await handle.readFile('utf8');
      // A process that was killed may have left the beginning of a line.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      await handle.truncate(Buffer.byteLength(whole));
      const [first, ...lines] = whole.split('\n').slice(0, -1);
      const wanted = JSON.stringify(header);
      if (first === undefined) await handle.appendFile(`${wanted}\n`);
      else if (first !== wanted)
        throw new Error(`${file} holds the results of another run: ${first}. Name another output.`);
      return new Results(handle, new Set(lines.map((line) => JSON.parse(line).file)));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Adds lines; when this resolves they are on the disk. @param {Line[]} lines */
  async append(lines) {
    await this.#handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await this.#handle.datasync();
  }

  close() {
    return this.#handle.close();
  }
}
