// Random tiny language models: what each kernel set makes of prompts, reductions and sessions, against the reference backend and
// against itself.
import { type LanguageModel, loadLanguageModel, type Policy, type WeightDtype } from '../../lib';
import type { Draw } from '../helpers/random';
import { type ModelShape, randomModel } from '../helpers/random-model';
import { maxDifference } from '../helpers/read-tensors';
import { compareModels, exact, type ModelResult } from './model-results';
import type { Kind } from './operators';
import { randomPolicy } from './random-policies';
import { often } from './scan-cases';

type Case = {
  shape: ModelShape;
  seed: number;
  dtype: WeightDtype;
  threads: number;
  prompts: number[][];
  /** Read after the first prompt. */
  further: number[];
  /** Where the first prompt is cut into parts. */
  cut: number;
  reduction?: Policy;
};

function randomShape(draw: Draw): ModelShape {
  const base = { layers: draw.int(1, 4), vocab: draw.int(11, 70), convWidth: draw.pick([4, 4, 2, 3]) };
  if (often(draw, 0.5)) {
    const dModel = draw.int(3, 40);
    return {
      ...base,
      family: 'mamba',
      dModel,
      dState: draw.pick([16, draw.int(1, 20)]),
      dtRank: draw.int(1, 4),
    };
  }
  const headDim = draw.pick([4, 8, 12, 16]);
  const groups = draw.pick([1, 1, 2, 3]);
  const dModel = (groups * draw.int(1, 3) * headDim) / 2;
  return { ...base, family: 'mamba2', dModel, dState: draw.pick([16, draw.int(1, 40)]), headDim, groups };
}

function randomCase(draw: Draw): Case {
  const shape = randomShape(draw);
  const tokens = (length: number) => Array.from({ length }, () => draw.int(0, shape.vocab - 1));
  const length = () => draw.pick([1, draw.int(2, 6), draw.int(7, 50), draw.int(15, 18), draw.int(60, 140)]);
  const prompts = Array.from({ length: draw.int(1, 3) }, () => tokens(length()));
  // Norms of a few channels magnify what 8-bit products round, by more than the models of test/engine do.
  const dtype = draw.pick(['f32', 'f32', 'bf16', 'f16', shape.dModel < 16 ? 'f32' : 'i8'] as const);
  // 8-bit products round their inputs, which moves what a policy sees by more than near ties are apart.
  const policy = () => randomPolicy(draw, shape.layers, shape.family, dtype !== 'i8');
  return {
    shape,
    seed: draw.nextUint32(),
    dtype,
    threads: draw.pick([1, 2, 3]),
    prompts,
    further: tokens(3),
    cut: draw.int(0, prompts[0].length),
    reduction: often(draw, 0.6) ? policy() : undefined,
  };
}

/** What is compared with the reference: a packed pass, and a session that reads on. */
async function results(model: LanguageModel, c: Case): Promise<ModelResult> {
  const { logits, kept } = await model.forward(c.prompts, { reduction: c.reduction });
  await using session = model.createSession({ reduction: c.reduction });
  const read = [await session.prefill(c.prompts[0])];
  for (const token of c.further) read.push(await session.step(token));
  return { kept: kept.map(({ positions }) => positions), values: [logits, ...read] };
}

/** What must hold on every backend to the bit: company, clones and files change nothing. */
async function exactly(model: LanguageModel, c: Case): Promise<number> {
  const { reduction } = c;
  const vocab = model.config.vocabRows;
  const packed = await model.forward(c.prompts, { reduction });
  const worst: number[] = [];
  for (const [s, prompt] of c.prompts.entries()) {
    const alone = await model.forward(prompt, { reduction });
    const part = packed.logits.subarray(packed.offsets[s] * vocab, packed.offsets[s + 1] * vocab);
    worst.push(exact(part, alone.logits));
  }
  const sessions = c.prompts.map(() => model.createSession({ reduction }));
  for (const [s, prompt] of c.prompts.entries()) await sessions[s].prefill(prompt);
  const clones = sessions.map((session) => session.clone());
  const restored = model.restoreSession(await sessions[0].save());
  for (const token of c.further) {
    const together = await model.stepAll(
      sessions,
      sessions.map(() => token),
    );
    for (const [s, clone] of clones.entries()) worst.push(exact(together[s], await clone.step(token)));
    worst.push(exact(together[0], await restored.step(token)));
  }
  for (const session of [...sessions, ...clones, restored]) await session.dispose();
  return Math.max(...worst);
}

/** Without a reduction: a prompt in parts, or token by token, gives what it gives in one piece. The largest difference. */
async function inParts(model: LanguageModel, c: Case): Promise<number> {
  const tokens = [...c.prompts[0], ...c.further];
  const { logits } = await model.forward(tokens);
  const vocab = model.config.vocabRows;
  const row = (i: number) => logits.subarray(i * vocab, (i + 1) * vocab);
  await using session = model.createSession();
  const worst: number[] = [];
  for (const part of [tokens.slice(0, c.cut), tokens.slice(c.cut, -2)]) {
    if (part.length > 0) worst.push(maxDifference(await session.prefill(part), row(session.length - 1)));
  }
  for (const token of tokens.slice(-2)) {
    worst.push(maxDifference(await session.step(token), row(session.length - 1)));
  }
  return Math.max(...worst);
}

/** As in test/engine, where logits are as large as here; 8-bit products round their inputs to 16 bits. */
const toleranceOf = ({ dtype, reduction }: Case) => (dtype === 'i8' ? 5e-3 : reduction ? 2e-4 : 1e-4);

export const languageModels: Kind = {
  name: 'language model',
  weight: 0.25,
  async run(draw, backends, findings) {
    const c = randomCase(draw);
    const { dtype, threads } = c;
    const tolerance = toleranceOf(c);
    await compareModels(randomModel(c.shape, c.seed), {
      kind: `language model${c.reduction ? ', reduced' : ''}${dtype === 'i8' ? ' (i8)' : ''}`,
      backends,
      findings,
      draw,
      what: () => JSON.stringify(c),
      tolerance,
      load: (folder) => loadLanguageModel(folder, { device: 'cpu', dtype, threads }),
      results: (model) => results(model, c),
      invariants: async (model) =>
        Math.max(await exactly(model, c), c.reduction ? 0 : (await inParts(model, c)) / tolerance),
    });
  },
};
