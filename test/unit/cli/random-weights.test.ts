import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readSafetensors } from '../../../lib/checkpoints/safetensors';
import { drawTensor, logRates, near, spread, timeStepBias } from '../../../lib/cli/random-weights';
import { writeSafetensors } from '../../../lib/cli/write-safetensors';
import { widen } from '../../../lib/half';
import { TemporaryDirectory } from '../../helpers/temporary';

const files = new TemporaryDirectory();
const meanOf = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;

test('a tensor is drawn from its name alone', () => {
  const draw = (name: string) => drawTensor(name, [3, 5], spread(1));
  expect(draw('a.weight')).toHaveLength(15);
  expect(draw('a.weight')).toEqual(draw('a.weight'));
  expect(draw('a.weight')).not.toEqual(draw('b.weight'));
});

test('distributions', () => {
  const size = [20000];
  const even = drawTensor('even', size, spread(0.5));
  expect(meanOf(even)).toBeCloseTo(0, 1);
  expect(Math.sqrt(meanOf(even.map((x) => x * x)))).toBeCloseTo(0.5, 1);
  const around = drawTensor('around', size, near(2));
  expect(Math.min(...around)).toBeGreaterThanOrEqual(1.6);
  expect(Math.max(...around)).toBeLessThanOrEqual(2.4);
  const steps = drawTensor('steps', size, timeStepBias).map((x) => Math.log1p(Math.exp(x)));
  expect(Math.min(...steps)).toBeGreaterThan(0.00099);
  expect(Math.max(...steps)).toBeLessThan(0.101);
  const rates = drawTensor('rates', [2, 4], logRates(4)).map(Math.exp);
  for (const [i, rate] of rates.entries())
    expect(Math.abs(rate / (1 + (i % 4)) - 1)).toBeLessThanOrEqual(0.2001);
});

test.each(['f32', 'bf16'] as const)('a safetensors file of %s is read again', async (dtype) => {
  const file = path.join(files.path, `${dtype}.safetensors`);
  const values = { a: [1, -2, 0.5, 3, 4, 8], 'b.c': [0.25] };
  await writeSafetensors(
    file,
    [
      { name: 'a', shape: [2, 3], values: () => Float32Array.from(values.a) },
      { name: 'b.c', shape: [1], values: () => Float32Array.from(values['b.c']) },
    ],
    dtype,
  );
  const bytes = readFileSync(file);
  const tensors = await readSafetensors(file);
  expect([...tensors.keys()]).toEqual(['a', 'b.c']);
  for (const [name, { offset, byteLength, shape, dtype: found }] of tensors) {
    const own = bytes.subarray(offset, offset + byteLength);
    const copy = new Uint8Array(own).buffer;
    const read = dtype === 'f32' ? new Float32Array(copy) : widen(new Uint16Array(copy), 'bf16');
    expect([...read]).toEqual(values[name as keyof typeof values]);
    expect({ shape, found }).toEqual({ shape: name === 'a' ? [2, 3] : [1], found: dtype });
  }
});
