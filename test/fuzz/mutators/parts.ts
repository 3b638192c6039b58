/** Cuts files into parts and remembers them, so that what was remembered of a part (its tree, say) is still known. */
export class PartsOf<Parts extends object> {
  readonly #known = new WeakMap<Buffer, Parts>();

  constructor(private readonly cut: (file: Buffer) => Parts) {}

  of(file: Buffer): Parts {
    const parts = this.#known.get(file) ?? this.cut(file);
    this.#known.set(file, parts);
    return parts;
  }

  /** A file that was made of these parts. */
  joined(file: Buffer, parts: Parts): Buffer {
    this.#known.set(file, parts);
    return file;
  }
}
