import { argmax, logSoftmaxAt, Sampler, type SamplingOptions } from '../../../lib/text';
import { Random } from '../../../lib/text/random';
import { integers } from './fixtures';

/** Logits of the given probabilities. */
const logitsOf = (probabilities: number[]) => Float32Array.from(probabilities, Math.log);

function draw(options: SamplingOptions, logits: Float32Array, count: number): number[] {
  const sampler = new Sampler(options);
  return Array.from({ length: count }, () => sampler.next(logits).token);
}

/** How often each token is drawn, as shares of 20000 draws. */
function shares(options: SamplingOptions, probabilities: number[]): number[] {
  const count = 20_000;
  const found = new Array(probabilities.length).fill(0);
  for (const token of draw({ seed: 1, ...options }, logitsOf(probabilities), count)) found[token]++;
  return found.map((n) => n / count);
}

/** Six standard deviations of a share over 20000 draws are at most 6 * sqrt(0.25 / 20000) = 0.021. */
function expectShares(found: number[], expected: number[]): void {
  for (const [token, share] of expected.entries()) {
    if (share === 0) expect(found[token]).toBe(0);
    else expect(Math.abs(found[token] - share)).toBeLessThan(0.021);
  }
}

describe('greedy choice', () => {
  it.each<SamplingOptions>([{}, { temperature: 0 }, { topK: 3, topP: 0.5, seed: 4 }])(
    'is made with %j',
    (options) => {
      expect(draw(options, Float32Array.from([0.1, 2, -1, 1.9]), 3)).toEqual([1, 1, 1]);
    },
  );

  it('takes the smaller id of equally likely tokens', () => {
    expect(draw({}, Float32Array.from([1, 5, 5, 5]), 1)).toEqual([1]);
  });
});

describe('sampling', () => {
  it('follows the distribution of the model at temperature 1', () => {
    expectShares(shares({ temperature: 1 }, [0.5, 0.3, 0.15, 0.05]), [0.5, 0.3, 0.15, 0.05]);
  });

  it('sharpens below temperature 1 and flattens above', () => {
    const squared = [0.25, 0.09, 0.0225, 0.0025].map((p) => p / 0.365);
    expectShares(shares({ temperature: 0.5 }, [0.5, 0.3, 0.15, 0.05]), squared);
    expectShares(shares({ temperature: 1e6 }, [0.5, 0.3, 0.15, 0.05]), [0.25, 0.25, 0.25, 0.25]);
  });

  it('is greedy at a tiny temperature, up to ties', () => {
    expect(draw({ temperature: 1e-300, seed: 2 }, logitsOf([0.3, 0.4, 0.3]), 50)).toEqual(Array(50).fill(1));
    expectShares(shares({ temperature: Number.MIN_VALUE }, [0.4, 0.4, 0.2]), [0.5, 0.5, 0]);
  });

  it('never takes a token of logit -Infinity', () => {
    expectShares(shares({ temperature: 5 }, [0, 0.5, 0, 0.5]), [0, 0.5, 0, 0.5]);
    expectShares(shares({ temperature: 5, topK: 3 }, [0, 1, 0, 0]), [0, 1, 0, 0]);
  });

  it('leaves the logits as they are', () => {
    const logits = Float32Array.from([1, 2, 3]);
    draw({ temperature: 0.7, topK: 2, topP: 0.9 }, logits, 10);
    expect([...logits]).toEqual([1, 2, 3]);
  });

  it('takes logits of another size in between', () => {
    const options = { temperature: 1, topP: 0.9, seed: 3 };
    const sampler = new Sampler(options);
    sampler.next(new Float32Array(10));
    expect(sampler.next(logitsOf([0.2, 0.8])).token).toBeLessThan(2);
    expect(sampler.next(new Float32Array(100)).token).toBeLessThan(100);
  });
});

describe('topK', () => {
  it('keeps the most likely tokens in their proportions', () => {
    expectShares(shares({ temperature: 1, topK: 2 }, [0.1, 0.5, 0.15, 0.25]), [0, 2 / 3, 0, 1 / 3]);
  });

  it('keeps exactly that many, of equally likely ones the smaller ids', () => {
    expectShares(shares({ temperature: 1, topK: 2 }, [0.25, 0.25, 0.25, 0.25]), [0.5, 0.5, 0, 0]);
    expectShares(shares({ temperature: 1, topK: 3 }, [0.1, 0.2, 0.2, 0.3, 0.2]), [0, 2 / 7, 2 / 7, 3 / 7, 0]);
  });

  it('keeps all when there are no more than that', () => {
    const logits = logitsOf([0.1, 0.2, 0.3, 0.4]);
    const all = draw({ temperature: 1, seed: 9 }, logits, 100);
    expect(draw({ temperature: 1, seed: 9, topK: 4 }, logits, 100)).toEqual(all);
    expect(draw({ temperature: 1, seed: 9, topK: 1000 }, logits, 100)).toEqual(all);
  });
});

describe('topP', () => {
  it('keeps the fewest tokens that reach it, in their proportions', () => {
    expectShares(shares({ temperature: 1, topP: 0.6 }, [0.1, 0.5, 0.15, 0.25]), [0, 2 / 3, 0, 1 / 3]);
    expectShares(shares({ temperature: 1, topP: 0.45 }, [0.1, 0.5, 0.15, 0.25]), [0, 1, 0, 0]);
  });

  it('keeps at least one token', () => {
    expectShares(shares({ temperature: 1, topP: Number.MIN_VALUE }, [0.3, 0.4, 0.3]), [0, 1, 0]);
    expect(draw({ temperature: 1, topP: Number.MIN_VALUE }, new Float32Array(7), 5)).toEqual(
      Array(5).fill(0),
    );
  });

  it('keeps the smaller ids of equally likely tokens', () => {
    expectShares(shares({ temperature: 1, topP: 0.49 }, [0.25, 0.25, 0.25, 0.25]), [0.5, 0.5, 0, 0]);
  });

  it('comes after temperature', () => {
    // Flattened to a third each, two tokens are needed for 0.6; sharpened, one is enough.
    const flat = shares({ temperature: 1e6, topP: 0.6 }, [0.5, 0.3, 0.2]);
    expect(flat.filter((share) => share > 0)).toHaveLength(2);
    expectShares(shares({ temperature: 0.25, topP: 0.6 }, [0.5, 0.3, 0.2]), [1, 0, 0]);
  });

  it('comes after topK, over what topK left', () => {
    // Of the two kept, the first has 0.4 / 0.7 = 0.57 of the probability; of all four only 0.4.
    expectShares(shares({ temperature: 1, topK: 2, topP: 0.55 }, [0.4, 0.3, 0.2, 0.1]), [1, 0, 0, 0]);
    expectShares(shares({ temperature: 1, topP: 0.55 }, [0.4, 0.3, 0.2, 0.1]), [4 / 7, 3 / 7, 0, 0]);
  });
});

describe('all filters together', () => {
  /** The same choice by full sorts: rank, cut to topK, cut to topP, draw in order of id. */
  function plainChoice(logits: Float32Array, random: Random, options: Required<SamplingOptions>): number {
    const largest = logits[argmax(logits)];
    const weigh = (id: number) => Math.exp((logits[id] - largest) / options.temperature);
    const sum = (ids: number[]) => ids.reduce((total, id) => total + weigh(id), 0);
    const ranked = [...logits.keys()].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, options.topK);
    const share = options.topP * sum([...ranked].sort((a, b) => a - b));
    let mass = 0;
    let kept = ranked.filter((id) => {
      const before = mass;
      mass += weigh(id);
      return before < share;
    });
    kept = (options.topP < 1 ? kept : ranked).sort((a, b) => a - b);
    const target = random.next() * sum(kept);
    mass = 0;
    return kept.find((id) => {
      mass += weigh(id);
      return mass > target;
    })!;
  }

  it('choose as full sorts do', () => {
    const below = integers(21);
    for (let round = 0; round < 300; round++) {
      // Whole numbers, so that ties are frequent.
      const logits = Float32Array.from({ length: 1 + below(200) }, () => below(12) - 6);
      const options = {
        temperature: 0.2 + below(20) / 10,
        topK: 1 + below(250),
        topP: (1 + below(20)) / 20,
        seed: round,
      };
      const random = new Random(round);
      const expected = Array.from({ length: 8 }, () => plainChoice(logits, random, options));
      expect(draw(options, logits, 8)).toEqual(expected);
    }
  });
});

describe('logprob', () => {
  it.each<SamplingOptions>([
    {},
    { temperature: 1 },
    { temperature: 3, topK: 2 },
    { temperature: 0.5, topP: 0.5 },
  ])("is under the model's own distribution with %j", (options) => {
    const logits = Float32Array.from([0.5, 2, -1, 1.5]);
    const sampler = new Sampler({ seed: 5, ...options });
    for (let i = 0; i < 20; i++) {
      const { token, logprob } = sampler.next(logits);
      expect(logprob).toBe(logSoftmaxAt(logits, token));
    }
  });
});

describe('seed', () => {
  const logits = new Float32Array(1000);

  it('makes the choices repeatable', () => {
    const first = draw({ temperature: 1, seed: 42 }, logits, 20);
    expect(draw({ temperature: 1, seed: 42 }, logits, 20)).toEqual(first);
    expect(draw({ temperature: 1, seed: 43 }, logits, 20)).not.toEqual(first);
  });

  it('can be read when it was not given', () => {
    const sampler = new Sampler({ temperature: 1 });
    const tokens = Array.from({ length: 20 }, () => sampler.next(logits).token);
    expect(draw({ temperature: 1, seed: sampler.seed }, logits, 20)).toEqual(tokens);
    expect(new Sampler().seed).not.toBe(sampler.seed);
  });
});

describe('bad input', () => {
  it.each<SamplingOptions>([{}, { temperature: 1 }, { temperature: 1, topK: 1, topP: 0.5 }])(
    'logits that are not numbers are refused with %j',
    (options) => {
      const sampler = new Sampler(options);
      const refused = (logits: number[], message: string) =>
        expect(() => sampler.next(Float32Array.from(logits))).toThrow(
          expect.objectContaining({ code: 'ERR_NATIVE', message: expect.stringContaining(message) }),
        );
      refused([1, 2, Number.NaN], 'Logit 2 of 3 is NaN, so there is no next token.');
      refused([Infinity, 2], 'Logit 0 of 2 is Infinity');
      refused([-Infinity], 'None of 1 logits is above -Infinity');
      expect(sampler.next(Float32Array.of(1)).token).toBe(0);
    },
  );

  it.each<[unknown, string]>([
    [{ temperature: -1 }, 'Expected a finite number >= 0 for temperature but received -1.'],
    [{ temperature: Infinity }, 'Expected a finite number >= 0 for temperature but received Infinity.'],
    [{ temperature: '1' }, 'Expected a finite number >= 0 for temperature but received "1".'],
    [{ topK: 0 }, 'Expected an integer >= 1 for topK but received 0.'],
    [{ topK: 2.5 }, 'Expected an integer >= 1 for topK but received 2.5.'],
    [{ topP: 0 }, 'Expected a number above 0 and up to 1 for topP but received 0.'],
    [{ topP: 1.01 }, 'Expected a number above 0 and up to 1 for topP but received 1.01.'],
    [{ topP: Number.NaN }, 'Expected a number above 0 and up to 1 for topP but received NaN.'],
    [{ seed: -1 }, 'Expected an integer from 0 to 2^53 - 1 for seed but received -1.'],
    [{ seed: 2 ** 53 }, 'Expected an integer from 0 to 2^53 - 1 for seed but received 9007199254740992.'],
    [{ seed: 0.5 }, 'Expected an integer from 0 to 2^53 - 1 for seed but received 0.5.'],
  ])('options %j are refused', (options, message) => {
    expect(() => new Sampler(options as SamplingOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message }),
    );
  });
});
