/**
 * A shape by names, such as `['E', 'N']`: a name has one size throughout a call, a number is that size. A name that ends in
 * `?` is a dimension that may be left out, which means 1.
 */
export type Shape = readonly (string | number)[];

/** The sizes that the shapes of one call have in common. */
export class Sizes {
  readonly #sizes = new Map<string, number>();

  /** The size of a name; undefined for one that no shape had so far. */
  get(name: string): number | undefined {
    return this.#sizes.get(name);
  }

  /** Whether this is the shape, as far as sizes are known; if so, learns the others. */
  fit(found: readonly number[], shape: Shape): boolean {
    const leftOut = found.length < shape.length ? shape.filter(isOptional) : [];
    const present = shape.filter((size) => !leftOut.includes(size));
    const pairs = [
      ...present.map((size, i) => [size, found[i]] as const),
      ...leftOut.map((size) => [size, 1] as const),
    ];
    if (present.length !== found.length || !pairs.every(([size, n]) => (this.#known(size) ?? n) === n)) {
      return false;
    }
    for (const [size, n] of pairs) if (typeof size === 'string') this.#sizes.set(plain(size), n);
    return true;
  }

  /** `[T = 5, N] or [T = 5, G, N]` */
  picture(shape: Shape): string {
    const shapes = shape.some(isOptional) ? [shape.filter((size) => !isOptional(size)), shape] : [shape];
    return shapes.map((sizes) => `[${sizes.map((size) => this.#pictureOf(size)).join(', ')}]`).join(' or ');
  }

  #pictureOf(size: string | number): string {
    const known = this.#known(size);
    if (typeof size === 'number') return String(size);
    return known === undefined ? plain(size) : `${plain(size)} = ${known}`;
  }

  #known(size: string | number): number | undefined {
    return typeof size === 'number' ? size : this.#sizes.get(plain(size));
  }
}

const isOptional = (size: string | number): boolean => typeof size === 'string' && size.endsWith('?');
const plain = (size: string): string => size.replace('?', '');
