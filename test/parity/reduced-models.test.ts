// Reduced prefill, decoding and scoring against the executable specification of docs/reduction.md: which tokens stay and which
// are generated exactly, values within 30 times the float32 noise that the reference states.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type LanguageModel, merge, type Policy, prune, uniform, utrc } from '../../lib';
import { loadModel } from '../helpers/load-model';
import { type Golden, maxDifference, readTensors } from '../helpers/read-tensors';
import { reference } from '../helpers/reference';

type Params = {
  policy?: {
    name: string;
    keep: number;
    q_hidden?: number;
    q_residual?: number;
    fuse?: boolean;
    direction?: 'any' | 'forward';
  };
  layers?: number[];
  alignment?: 'none' | 'next' | 'previous';
  conv?: 'compact' | 'aligned';
  metric?: 'clip';
  source?: 'gated';
  checkpoint?: string;
};
type Case = { name: string; params: Params; inputs: Record<string, string>; outputs: Record<string, string> };
type Level = {
  worst_float32_noise: Record<'logits' | 'ssm_state' | 'conv_state' | 'loglikelihood', number>;
  cases: Case[];
};

const makers: Record<string, (o: never) => Policy> = { utrc, prune, merge, uniform };

function policyOf({
  policy,
  layers = [],
  alignment = 'none',
  conv,
  metric,
  source,
}: Params): Policy | undefined {
  if (!policy) return undefined;
  const { name, q_hidden, q_residual, ...rest } = policy;
  const q = name === 'utrc' ? { hidden: { q: q_hidden }, residual: { q: q_residual } } : {};
  return makers[name]({ ...rest, ...q, layers, alignment, conv, importance: { metric, source } } as never);
}

const levels = ['lm_mamba1', 'lm_mamba2', 'lm_mamba2_groups'].flatMap((name) => {
  const file = reference(`reduction/${name}.json`);
  return file ? [[name, file] as const] : [];
});
const present =
  levels.length > 0 ? describe.each(levels) : describe.skip.each([['the reference data', '']] as const);

present('%s', (_name, file) => {
  if (!file) {
    test('lies beside the repository', () => {});
    return;
  }
  const level: Level = JSON.parse(readFileSync(file, 'utf8'));
  const tolerance = (kind: keyof Level['worst_float32_noise']) => 30 * level.worst_float32_noise[kind];
  const checkpoint =
    level.cases.map(({ params }) => params.checkpoint).find((folder) => folder !== undefined) ?? '';
  let goldens: Map<string, Golden>;
  let model: LanguageModel;

  beforeAll(async () => {
    goldens = await readTensors(file.replace(/json$/, 'safetensors'));
    model = await loadModel(path.resolve(path.dirname(file), checkpoint));
  });
  afterAll(() => model.dispose());

  test.each(level.cases.map((c) => [c.name, c] as const))(
    '%s',
    async (_case, { params, inputs, outputs }) => {
      const get = (name: string) => goldens.get(outputs[name] ?? inputs[name])!;
      const prompt = get('prompt').ints;
      const reduction = policyOf(params);
      await using session = model.createSession({ reduction });

      const last = await session.prefill(prompt);
      expect(maxDifference(last, get('last_logits').data)).toBeLessThan(tolerance('logits'));
      for (const [i] of (params.layers ?? []).entries()) {
        expect([...session.kept[i].positions]).toEqual(get(`kept${i}`).ints);
      }
      if (outputs.conv_state) {
        const [conv, ssm] = [get('conv_state'), get('ssm_state')];
        for (let layer = 0; layer < model.config.layers; layer += 1) {
          const part = ({ data }: Golden) =>
            data.subarray(
              (layer * data.length) / model.config.layers,
              ((layer + 1) * data.length) / model.config.layers,
            );
          expect(maxDifference(session.state(layer).conv, part(conv))).toBeLessThan(tolerance('conv_state'));
          expect(maxDifference(session.state(layer).ssm, part(ssm))).toBeLessThan(tolerance('ssm_state'));
        }
      }
      if (outputs.ssm_state_last_layer) {
        const { ssm } = session.state(model.config.layers - 1);
        expect(maxDifference(ssm, get('ssm_state_last_layer').data)).toBeLessThan(tolerance('ssm_state'));
      }

      const tokens: number[] = [];
      for await (const { token } of model.generate(prompt, { maxNewTokens: 8, ignoreEos: true, reduction }))
        tokens.push(token);
      expect(tokens).toEqual(get('tokens').ints);

      const { logits, positions } = await model.forward(prompt, { reduction });
      if (params.layers) expect([...positions]).toEqual(get(`kept${params.layers.length - 1}`).ints);
      if (outputs.logits) expect(maxDifference(logits, get('logits').data)).toBeLessThan(tolerance('logits'));
      if (outputs.logits_tail4) {
        expect(
          maxDifference(logits.slice(-4 * model.config.vocabRows), get('logits_tail4').data),
        ).toBeLessThan(tolerance('logits'));
      }

      const continuation = get('continuation').ints;
      for (const [protocol, name] of [
        ['prefill', 'll_prefill'],
        ['prefill', 'loglikelihood'],
        ['paper', 'll_paper'],
      ] as const) {
        if (!outputs[name]) continue;
        const { logprobs } = await model.score(prompt, continuation, { reduction, protocol });
        expect(maxDifference(logprobs, get(name).data)).toBeLessThan(tolerance('loglikelihood'));
      }
    },
  );
});
