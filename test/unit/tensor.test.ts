import { type Dtype, SkipscanError, Tensor } from '../../lib';

function failure(work: () => unknown): SkipscanError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SkipscanError);
    return error as SkipscanError;
  }
  throw new Error('expected it to throw');
}

describe('making one', () => {
  test('memory of the same element type is shared, not copied', () => {
    const floats = Float32Array.of(1, 2, 3, 4);
    const tensor = Tensor.from(floats, [2, 2]);
    expect(tensor).toMatchObject({ dtype: 'f32', shape: [2, 2], size: 4, device: 'cpu', disposed: false });
    expect(tensor.data()).toBe(floats);
    expect(tensor.toFloat32()).toBe(floats);

    const ints = Int32Array.of(1, 2);
    expect(Tensor.from(ints, [2]).dtype).toBe('i32');
    expect(Tensor.from(ints, [2]).data()).toBe(ints);

    const bits = Uint16Array.of(0x3f80, 0x4000);
    expect(Tensor.from(bits, [2], { dtype: 'bf16' }).data()).toBe(bits);
    expect(Tensor.from(bits, [2], { dtype: 'bf16' }).toFloat32()).toEqual(Float32Array.of(1, 2));
  });

  test('other element types are converted into new memory', () => {
    expect(Tensor.from([1, 2.5], [2]).data()).toEqual(Float32Array.of(1, 2.5));
    expect(Tensor.from(Float64Array.of(0.1), [1]).data()).toEqual(Float32Array.of(0.1));
    expect(Tensor.from([1, 1 + 2 ** -8, 1 + 3 * 2 ** -8], [3], { dtype: 'bf16' }).data()).toEqual(
      Uint16Array.of(0x3f80, 0x3f80, 0x3f82),
    );
    expect(Tensor.from(Float32Array.of(1, -2), [2], { dtype: 'f16' }).data()).toEqual(
      Uint16Array.of(0x3c00, 0xc000),
    );
    expect(Tensor.from([7, -7], [2], { dtype: 'i32' }).data()).toEqual(Int32Array.of(7, -7));
    expect(Tensor.from(Int32Array.of(3), [1], { dtype: 'f32' }).data()).toEqual(Float32Array.of(3));
  });

  test.each<[Dtype, unknown]>([
    ['f32', new Float32Array(6)],
    ['i32', new Int32Array(6)],
    ['bf16', new Uint16Array(6)],
    ['f16', new Uint16Array(6)],
  ])('zeros of %s', (dtype, data) => {
    expect(Tensor.zeros([2, 3], { dtype }).data()).toEqual(data);
  });

  test('the shape cannot be changed afterwards', () => {
    const shape = [2];
    const tensor = Tensor.from([1, 2], shape);
    shape[0] = 3;
    expect(tensor.shape).toEqual([2]);
    expect(Object.isFrozen(tensor.shape)).toBe(true);
  });

  test.each<[string, () => unknown, string]>([
    [
      'too few elements',
      () => Tensor.from([1, 2, 3], [2, 2]),
      'Expected 4 elements, the product of shape [2, 2], for data but received 3.',
    ],
    [
      'an empty shape',
      () => Tensor.from([1], []),
      'Expected an array of one or more whole numbers above 0 for shape but received [].',
    ],
    [
      'a size of 0',
      () => Tensor.zeros([2, 0]),
      'Expected an array of one or more whole numbers above 0 for shape but received [2, 0].',
    ],
    ['a size that is no whole number', () => Tensor.zeros([1.5]), 'for shape but received [1.5].'],
    [
      'a shape beyond what numbers can count',
      () => Tensor.zeros([2 ** 30, 2 ** 30]),
      'for shape but received [1073741824, 1073741824].',
    ],
    ['no shape', () => Tensor.from([1], undefined as never), 'for shape but received undefined.'],
    [
      'an unknown dtype',
      () => Tensor.from([1], [1], { dtype: 'f64' as Dtype }),
      `Expected one of 'f32', 'bf16', 'f16', 'i32' for dtype but received "f64".`,
    ],
    [
      'bits of an unknown format',
      () => Tensor.from(new Uint16Array(1), [1]),
      "Expected 'bf16' or 'f16', as a Uint16Array holds the bits of one of them, for dtype but received undefined.",
    ],
    [
      'bits as numbers',
      () => Tensor.from(new Uint16Array(1), [1], { dtype: 'f32' }),
      'as a Uint16Array holds the bits of one of them, for dtype but received "f32".',
    ],
    ['strings', () => Tensor.from(['a'] as never, [1]), 'for data but received an array of 1.'],
    [
      '64-bit integers',
      () => Tensor.from(new BigInt64Array(1) as never, [1]),
      'for data but received BigInt64Array(8 bytes).',
    ],
    [
      'a fraction as i32',
      () => Tensor.from([1, 0.5], [2], { dtype: 'i32' }),
      'Expected whole numbers of 32 bits for dtype i32 for data but received 0.5 at index 1.',
    ],
    [
      'a number beyond i32',
      () => Tensor.from([2 ** 31], [1], { dtype: 'i32' }),
      'but received 2147483648 at index 0.',
    ],
    [
      'memory shared between threads',
      () => Tensor.from(new Float32Array(new SharedArrayBuffer(4)), [1]),
      'Expected a typed array on an ArrayBuffer of fixed size for data but received one on a shared or resizable buffer; copy it with slice().',
    ],
    [
      'an unknown device',
      () => Tensor.zeros([1], { device: 'gpu' as never }),
      `Expected 'auto', 'cpu' or 'cuda:<number>' for device but received "gpu".`,
    ],
  ])('refuses %s', (_what, work, message) => {
    const error = failure(work);
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toContain(message);
  });

  test('a shape beyond the memory of the machine is an error, not a crash', () => {
    const error = failure(() => Tensor.zeros([2 ** 25, 2 ** 20]));
    expect(error.code).toBe('ERR_OUT_OF_MEMORY');
    expect(error.message).toBe('A tensor of shape [33554432, 1048576] does not fit into memory.');
  });
});

describe('to', () => {
  test('converts to another dtype', async () => {
    const tensor = Tensor.from([1.5, -2], [2]);
    const half = await tensor.to('bf16');
    expect(half).toMatchObject({ dtype: 'bf16', shape: [2] });
    expect((await half.to({ dtype: 'f16' })).toFloat32()).toEqual(Float32Array.of(1.5, -2));
    expect((await Tensor.from([3, 4], [2]).to('i32')).data()).toEqual(Int32Array.of(3, 4));
    await expect(tensor.to('i32')).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  test('shares the memory where nothing changes; each is disposed on its own', async () => {
    const tensor = Tensor.from([1], [1]);
    const same = await tensor.to('cpu');
    expect(same.data()).toBe(tensor.data());
    tensor.dispose();
    expect(same.disposed).toBe(false);
  });

  test('refuses what is neither a dtype nor a device', async () => {
    const tensor = Tensor.zeros([1]);
    await expect(tensor.to('f64' as never)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: `Expected a dtype (f32, bf16, f16, i32) or a device ('cpu', 'cuda:0') for to() but received "f64".`,
    });
  });
});

describe('dispose', () => {
  test('may be called twice, and by `using`', () => {
    let kept: Tensor;
    {
      using tensor = Tensor.zeros([4]);
      kept = tensor;
      expect(tensor.disposed).toBe(false);
    }
    expect(kept.disposed).toBe(true);
    kept.dispose();
  });

  test('use after it is an error', async () => {
    const tensor = Tensor.zeros([4]);
    tensor.dispose();
    const message = 'This tensor was disposed. Make a new one to use it.';
    expect(failure(() => tensor.data())).toMatchObject({ code: 'ERR_DISPOSED', message });
    expect(failure(() => tensor.toFloat32())).toMatchObject({ code: 'ERR_DISPOSED', message });
    await expect(tensor.to('f32')).rejects.toMatchObject({ code: 'ERR_DISPOSED', message });
    expect(tensor.shape).toEqual([4]);
  });

  test('memory that was transferred to another thread is gone too', () => {
    const data = new Float32Array(4);
    const tensor = Tensor.from(data, [4]);
    structuredClone(data, { transfer: [data.buffer] });
    expect(failure(() => tensor.data())).toMatchObject({
      code: 'ERR_DISPOSED',
      message: 'The memory of this tensor was transferred away. Transfer a copy instead.',
    });
  });
});
