/** An entry to be written; `claims` replaces what the archive's directory says about it. */
export type ZipSource = {
  name: string;
  data: Uint8Array;
  claims?: Partial<Record<'name', string> & Record<'size' | 'stored' | 'start' | 'method' | 'flags', number>>;
};

export type ZipOptions = {
  /** Write the sizes, offsets and counts in zip64 records. */
  zip64?: boolean;
  comment?: string;
  /** Replaces what the end record says about the directory. */
  claims?: Partial<Record<'count' | 'size' | 'start', number>>;
};

/** A zip archive of stored entries, aligned to 64 bytes with an extra field, as `torch.save` writes it. */
export function zipFile(sources: readonly ZipSource[], options: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [];
  const headers: Buffer[] = [];
  let at = 0;
  const add = (part: Uint8Array) => {
    parts.push(Buffer.from(part));
    at += part.length;
  };
  for (const source of sources) {
    headers.push(centralHeader(source, at, options.zip64 ?? false));
    const name = Buffer.from(source.name);
    const padding = Buffer.alloc((64 - ((at + 30 + name.length + 4) % 64)) % 64, 'Z');
    const size = source.data.length;
    add(fields([4, 0x04034b50], [2, 0], [2, 0x0800], [8, 0], [2, 0], [4, size], [4, size]));
    add(fields([2, name.length], [2, padding.length + 4]));
    add(name);
    add(fields([2, 0x4246], [2, padding.length]));
    add(padding);
    add(source.data);
  }
  const directory = Buffer.concat(headers);
  const { count = sources.length, size = directory.length, start = at } = options.claims ?? {};
  add(directory);
  if (options.zip64) {
    const recordStart = at;
    add(
      fields(
        [4, 0x06064b50],
        [8, 44],
        [2, 45],
        [2, 45],
        [8, 0],
        [8, count],
        [8, count],
        [8, size],
        [8, start],
      ),
    );
    add(fields([4, 0x07064b50], [4, 0], [8, recordStart], [4, 1]));
  }
  const short = options.zip64 ? 0xffff : count;
  const long = (value: number) => (options.zip64 ? 0xffffffff : value);
  const comment = Buffer.from(options.comment ?? '');
  add(
    fields(
      [4, 0x06054b50],
      [4, 0],
      [2, short],
      [2, short],
      [4, long(size)],
      [4, long(start)],
      [2, comment.length],
    ),
  );
  add(comment);
  return Buffer.concat(parts);
}

function centralHeader({ name, data, claims = {} }: ZipSource, at: number, zip64: boolean): Buffer {
  const { size = data.length, stored = size, start = at, method = 0, flags = 0x0800 } = claims;
  const nameBytes = Buffer.from(claims.name ?? name);
  const extra = zip64 ? fields([2, 1], [2, 24], [8, size], [8, stored], [8, start]) : Buffer.alloc(0);
  const long = (value: number) => (zip64 ? 0xffffffff : value);
  const fixed = fields(
    [4, 0x02014b50],
    [2, 0],
    [2, 0],
    [2, flags],
    [2, method],
    [8, 0],
    [4, long(stored)],
    [4, long(size)],
    [2, nameBytes.length],
    [2, extra.length],
    [2, 0],
    [8, 0],
    [4, long(start)],
  );
  return Buffer.concat([fixed, nameBytes, extra]);
}

/** Little-endian fields, each given as [bytes, value]. */
function fields(...list: [size: 2 | 4 | 8, value: number][]): Buffer {
  return Buffer.concat(
    list.map(([size, value]) => {
      const field = Buffer.alloc(8);
      field.writeBigUInt64LE(BigInt(value));
      return field.subarray(0, size);
    }),
  );
}
