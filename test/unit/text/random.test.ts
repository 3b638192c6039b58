import { Random } from '../../../lib/text/random';

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.nextUint32());

describe('Random', () => {
  it('is xoshiro128**', () => {
    // The first outputs of the authors' C program from the state 1, 2, 3, 4.
    expect(draw(Random.fromState([1, 2, 3, 4]), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it.each([
    [0, [583574135, 1491729995, 3958530960, 1012654989]],
    [1, [3744230918, 4085411741, 3160389862, 586529176]],
    [2 ** 53 - 1, [3917684004, 3606723152, 26689331, 3115131982]],
  ])('gives the same numbers for the seed %d in every version', (seed, expected) => {
    expect(draw(new Random(seed), 4)).toEqual(expected);
  });

  it('tells seeds apart that differ in the high half only', () => {
    expect(draw(new Random(5), 4)).not.toEqual(draw(new Random(5 + 2 ** 32), 4));
  });

  it('spreads evenly over [0, 1)', () => {
    const random = new Random(11);
    const buckets = new Array(10).fill(0);
    for (let i = 0; i < 100_000; i++) buckets[Math.floor(random.next() * 10)]++;
    expect(buckets).toHaveLength(10);
    // Six standard deviations: sqrt(100000 * 0.1 * 0.9) = 95.
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(570);
  });
});
