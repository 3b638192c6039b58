// Models against outputs of public reference code (transformers, mamba_ssm). Tolerances are those that the reference data
// states: about 30 times its measured float32 noise; a wrong formula shows as 0.1 and more.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { LanguageModel } from '../../lib';
import { loadModel } from '../helpers/load-model';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { fixture, reference } from '../helpers/reference';

const tolerance = { logits: 1e-3, logitsToFloat64: 5e-4, hidden: 1e-3, ssm: 5e-4, conv: 1e-4, logprob: 1e-3 };

const names = [
  'mamba1-hf',
  'mamba1-hf-sharded',
  'mamba1-original',
  'mamba2-hf',
  'mamba2-hf-bf16',
  'mamba2-original',
  'mamba2-groups-hf',
  'mamba2-groups-original',
];
const folders = names
  .map((name) => ({ name, folder: reference(`lm/${name}`) ?? fixture(`lm/${name}`) }))
  .filter(({ folder }) => existsSync(folder));

test('there is at least one checkpoint of each family to compare with', () => {
  expect(folders.some(({ name }) => name.startsWith('mamba1'))).toBe(true);
  expect(folders.some(({ name }) => name.startsWith('mamba2'))).toBe(true);
});

describe.each(folders)('$name', ({ folder }) => {
  let model: LanguageModel;
  let golden: Map<string, Golden>;
  const facts = JSON.parse(readFileSync(path.join(folder, 'golden.json'), 'utf8'));
  const get = (name: string) => {
    const found = golden.get(name);
    if (!found) throw new Error(`the golden has no ${name}`);
    return found;
  };
  const cases = Object.keys(facts.tensors)
    .map((name) => name.match(/^case(\d+)\.input_ids$/)?.[1])
    .filter((i) => i !== undefined);
  const has = (name: string) => name in facts.tensors;
  const rowsOf = ({ shape, ints }: Golden) =>
    Array.from({ length: shape[0] }, (_, b) => ints.slice(b * shape[1], (b + 1) * shape[1]));

  beforeAll(async () => {
    model = await loadModel(folder, { threads: 2 });
    golden = await readTensors(path.join(folder, 'golden.safetensors'));
  });
  afterAll(() => model.dispose());

  test.each(cases)('case %s: logits of every row', async (i) => {
    const { logits } = await model.forward(rowsOf(get(`case${i}.input_ids`)));
    expect(maxDifference(logits, get(`case${i}.logits`).data)).toBeLessThan(tolerance.logits);
    if (has(`f64.case${i}.logits`)) {
      expect(maxDifference(logits, get(`f64.case${i}.logits`).data)).toBeLessThan(tolerance.logitsToFloat64);
    }
  });

  for (const i of cases.filter((i) => has(`case${i}.hidden.layers`))) {
    test(`case ${i}: hidden states`, async () => {
      const { hiddenStates } = await model.forward(rowsOf(get(`case${i}.input_ids`)), { hiddenStates: true });
      const layers = get(`case${i}.hidden.layers`);
      const slice = layers.data.length / layers.shape[0];
      expect(hiddenStates).toHaveLength(layers.shape[0] + 2);
      const [embedding, ...rest] = hiddenStates ?? [];
      expect(maxDifference(embedding, get(`case${i}.hidden.embed`).data)).toBeLessThan(tolerance.hidden);
      expect(maxDifference(rest.pop()!, get(`case${i}.hidden.final_norm`).data)).toBeLessThan(
        tolerance.hidden,
      );
      rest.forEach((layer, l) => {
        expect(maxDifference(layer, layers.data.subarray(l * slice, (l + 1) * slice))).toBeLessThan(
          tolerance.hidden,
        );
      });
    });
  }

  for (const i of cases.filter((i) => has(`case${i}.ssm_state`))) {
    test(`case ${i}: states`, async () => {
      await using session = model.createSession();
      await session.prefill(rowsOf(get(`case${i}.input_ids`))[0]);
      expectStates(session, get(`case${i}.conv_state`), get(`case${i}.ssm_state`), 0);
    });
  }

  function expectStates(
    session: ReturnType<LanguageModel['createSession']>,
    conv: Golden,
    ssm: Golden,
    sequence: number,
  ) {
    const [layers, sequences] = conv.shape;
    const part = ({ data }: Golden, layer: number) => {
      const size = data.length / layers / sequences;
      return data.subarray((layer * sequences + sequence) * size, (layer * sequences + sequence + 1) * size);
    };
    for (let layer = 0; layer < layers; layer += 1) {
      const state = session.state(layer);
      expect(maxDifference(state.conv, part(conv, layer))).toBeLessThan(tolerance.conv);
      expect(maxDifference(state.ssm, part(ssm, layer))).toBeLessThan(tolerance.ssm);
    }
  }

  if (has('gen.output_ids')) {
    test('greedy generation: every token', async () => {
      const tokens: number[] = [];
      const prompt = get('gen.prompt_ids').ints;
      for await (const { token } of model.generate(prompt, { maxNewTokens: 24, ignoreEos: true }))
        tokens.push(token);
      expect(tokens).toEqual(get('gen.output_ids').ints);
    });
  }

  if (has('gen.step_logits')) {
    test('greedy generation: logits of every step', async () => {
      const { data, shape } = get('gen.step_logits');
      const vocab = shape[2];
      await using session = model.createSession();
      let logits = await session.prefill(get('gen.prompt_ids').ints);
      for (const [i, token] of get('gen.output_ids').ints.entries()) {
        expect(maxDifference(logits, data.subarray(i * vocab, (i + 1) * vocab))).toBeLessThan(
          tolerance.logits,
        );
        logits = await session.step(token);
      }
    });
  }

  if (has('ll.logprobs')) {
    test('log-probabilities of a continuation', async () => {
      const wanted = get('ll.logprobs').data;
      const { logprobs, total } = await model.score(
        get('ll.context_ids').ints,
        get('ll.continuation_ids').ints,
      );
      expect(maxDifference(logprobs, wanted)).toBeLessThan(tolerance.logprob);
      expect(total).toBeCloseTo(
        wanted.reduce((a, b) => a + b, 0),
        2,
      );
    });
  }

  if (has('var0.logits')) {
    test('prompts of different lengths in one packed pass', async () => {
      const prompts = [0, 1, 2].map((i) => get(`var${i}.input_ids`).ints);
      const { logits, offsets, vocabSize, positions } = await model.forward(prompts);
      expect([...offsets]).toEqual(get('var.cu_seqlens').ints);
      expect([...positions]).toEqual(prompts.flatMap((prompt) => [...prompt.keys()]));
      for (const [i, prompt] of prompts.entries()) {
        const own = logits.subarray(offsets[i] * vocabSize, offsets[i + 1] * vocabSize);
        expect(maxDifference(own, get(`var${i}.logits`).data)).toBeLessThan(tolerance.logits);
        await using session = model.createSession();
        await session.prefill(prompt);
        expectStates(session, get('var.conv_state'), get('var.ssm_state'), i);
      }
    });
  }

  if (has('alt_norm.case0.logits')) {
    test('the other rule for the gated norm of several groups', async () => {
      const other = model.config.normGroupSize === model.config.dInner ? 'grouped' : 'whole';
      await using alternative = await loadModel(folder, { gatedNorm: other });
      const { logits } = await alternative.forward(rowsOf(get('case0.input_ids')));
      expect(maxDifference(logits, get('alt_norm.case0.logits').data)).toBeLessThan(tolerance.logits);
    });
  }
});
