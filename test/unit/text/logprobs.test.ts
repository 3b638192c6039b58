import { argmax, logSoftmaxAt } from '../../../lib/text';
import { integers } from './fixtures';

describe('argmax', () => {
  it.each([
    [[1, 3, 2], 1],
    [[-5], 0],
    [[2, 7, 7, 7], 1],
    [[-Infinity, -3, -Infinity], 1],
    [[-0, 0], 0],
  ])('of %j is %d', (logits, index) => {
    expect(argmax(Float32Array.from(logits))).toBe(index);
  });

  it.each([
    [[0, Number.NaN, 2], 'Logit 1 of 3 is NaN'],
    [[Number.NaN], 'Logit 0 of 1 is NaN'],
    [[9, 1, Infinity], 'Logit 2 of 3 is Infinity'],
    [[-Infinity, -Infinity], 'None of 2 logits is above -Infinity'],
    [[], 'None of 0 logits is above -Infinity'],
  ])('refuses %j', (logits, message) => {
    const failure = expect.objectContaining({
      code: 'ERR_NATIVE',
      message: expect.stringContaining(message),
    });
    expect(() => argmax(Float32Array.from(logits))).toThrow(failure);
    expect(() => logSoftmaxAt(Float32Array.from(logits), 0)).toThrow(failure);
  });
});

describe('logSoftmaxAt', () => {
  it('is -log V for equal logits', () => {
    const logits = new Float32Array(50280).fill(3);
    expect(logSoftmaxAt(logits, 17)).toBeCloseTo(-Math.log(50280), 12);
  });

  it('is the log of each probability', () => {
    const logits = Float32Array.from([1, 2, 3, 4]);
    const total = Math.exp(1) + Math.exp(2) + Math.exp(3) + Math.exp(4);
    for (const [i, logit] of logits.entries()) {
      expect(logSoftmaxAt(logits, i)).toBeCloseTo(Math.log(Math.exp(logit) / total), 14);
    }
  });

  it('belongs to probabilities that add up to 1', () => {
    const below = integers(5);
    const logits = Float32Array.from({ length: 1000 }, () => below(40) - 20);
    let total = 0;
    for (let i = 0; i < logits.length; i++) total += Math.exp(logSoftmaxAt(logits, i));
    expect(total).toBeCloseTo(1, 12);
  });

  it('neither overflows nor underflows', () => {
    expect(logSoftmaxAt(Float32Array.of(3e38, 0), 0)).toBe(0);
    expect(logSoftmaxAt(Float32Array.of(0, -1000), 1)).toBe(-1000);
    expect(logSoftmaxAt(Float32Array.of(-2000, -2000), 1)).toBeCloseTo(-Math.LN2, 14);
    expect(logSoftmaxAt(Float32Array.of(0, -Infinity), 1)).toBe(-Infinity);
  });
});
