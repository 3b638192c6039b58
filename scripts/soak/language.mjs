import skipscan from '../../dist/index.js';
import { randomNumbers } from './random.mjs';

// What a soak does with a language model. Every operation has a result that depends on the model and a variant alone, whatever runs
// beside it and however it is cut: that is compared with the answer of a quiet moment. `chance(n)` decides the rest at random.

const { prune, utrc, merge, ltmp, random, paperSchedule } = skipscan;

/** Tokens of a prompt that the variant decides. */
function prompt(model, variant, length = 40 + 37 * variant) {
  const next = randomNumbers(1000 + variant);
  return Int32Array.from({ length }, () => next(model.config.vocabSize));
}

function policies(config) {
  const layers = paperSchedule(config);
  return [
    prune({ ...layers, keep: 0.8 }),
    utrc({ ...layers, flopsReduction: 0.1 }),
    merge({ ...layers, keep: 0.75, alignment: 'next' }),
    ltmp({ ...layers, pruneBelow: 0.1, mergeAbove: 0.9 }),
    random({ ...layers, keep: 0.7, seed: 3 }),
  ];
}

/** Reads a prompt in two chunks. */
async function read(model, variant, signal) {
  const tokens = prompt(model, variant);
  const session = model.createSession();
  const cut = tokens.length >> 1;
  await session.prefill(tokens.subarray(0, cut), { signal });
  const logits = await session.prefill(tokens.subarray(cut), { signal });
  return { session, logits };
}

async function steps(session, tokens) {
  const logits = [];
  for (const token of tokens) logits.push(await session.step(token));
  return logits;
}

export const languageOperations = {
  async prefill(model, variant, { signal }) {
    const { session, logits } = await read(model, variant, signal);
    await session.dispose();
    return logits;
  },

  async decode(model, variant, { signal }) {
    const { session } = await read(model, variant, signal);
    const logits = await steps(session, [1, 2, 3, 4, 5, 6]);
    await session.dispose();
    return logits;
  },

  /** A prefill that is aborted leaves the session as it was; what follows is what would have been. */
  async abortedPrefill(model, variant, { chance }) {
    const { session } = await read(model, variant);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), chance(8));
    const long = session.prefill(prompt(model, variant, 3000), { signal: abort.signal });
    const aborted = await long.then(
      () => false,
      (error) => {
        if (error.name !== 'AbortError') throw error;
        return true;
      },
    );
    if (!aborted) await session.dispose();
    const { session: same } = aborted ? { session } : await read(model, variant);
    const logits = await same.step(7);
    await same.dispose();
    return logits;
  },

  async generate(model, variant, { signal }) {
    const tokens = [];
    const options = {
      maxNewTokens: 12,
      ignoreEos: true,
      temperature: variant % 2,
      topP: 0.9,
      seed: variant,
      signal,
    };
    for await (const { token, logprob } of model.generate(prompt(model, variant), options))
      tokens.push([token, logprob]);
    return tokens;
  },

  /** Sessions step together in ever other company; each gets what it gets alone. */
  async stepAll(model, variant, { chance }) {
    const all = [];
    for (let i = 0; i < 3; i += 1) all.push((await read(model, variant + i)).session);
    const logits = all.map(() => []);
    for (let token = 1; token <= 5; token += 1) {
      const order = [0, 1, 2].sort(() => chance(3) - 1);
      const together = order.slice(0, chance(4));
      const rows = await model.stepAll(
        together.map((i) => all[i]),
        together.map(() => token),
      );
      for (const [row, i] of together.entries()) logits[i].push(rows[row].slice());
      for (const i of order.filter((i) => !together.includes(i))) logits[i].push(await all[i].step(token));
    }
    await Promise.all(all.map((session) => session.dispose()));
    return logits;
  },

  async clone(model, variant, { signal }) {
    const { session } = await read(model, variant, signal);
    const clone = session.clone();
    const [a, b] = await Promise.all([steps(session, [1, 2, 3]), steps(clone, [4, 5, 6])]);
    await Promise.all([session.dispose(), clone.dispose()]);
    return [a, b];
  },

  async saveAndRestore(model, variant, { chance, signal }) {
    const { session } = await read(model, variant, signal);
    const saved = await session.save();
    await session.dispose();
    const restored = chance(2) ? model.restoreSession(saved) : await model.restoreSessionAsync(saved);
    const logits = await restored.step(9);
    await restored.dispose();
    return [saved, logits];
  },

  async reduction(model, variant, { signal }) {
    const all = policies(model.config);
    const { logits, kept } = await model.forward(prompt(model, variant, 200), {
      reduction: all[variant % all.length],
      signal,
    });
    return { logits, kept };
  },

  /** Prompts that share a pass with others. */
  async batch(model, variant, { chance, signal }) {
    const others = Array.from({ length: chance(3) }, () => prompt(model, chance(4)));
    const prompts = [...others, prompt(model, variant)];
    const { logits, offsets, vocabSize } = await model.forward(prompts, { signal });
    return logits.slice(offsets[others.length] * vocabSize);
  },

  score(model, variant, { signal }) {
    return model.score(prompt(model, variant), prompt(model, variant + 1, 20), { signal });
  },

  /** A session that nobody disposes of. */
  async forgotten(model, variant, { signal }) {
    return (await read(model, variant, signal)).logits;
  },
};
