import { decodeJsonObject } from '../../../lib/checkpoints/json';
import { parseConfig } from '../../../lib/models/config';
import type { ModelConfig } from '../../../lib/models/model-config';
import { parseVisionConfig } from '../../../lib/models/vision-config';
import { flops, policyFromJSON, resolvePolicy } from '../../../lib/reduction';
import { attempt, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';

const configs: ModelConfig[] = [
  parseConfig('mamba', { model_type: 'mamba', hidden_size: 32, num_hidden_layers: 8 }),
  parseConfig('mamba2', { d_model: 32, n_layer: 8, ssm_cfg: { layer: 'Mamba2', headdim: 16 } }),
  parseVisionConfig('vim', { embed_dim: 32, depth: 8 }),
  parseVisionConfig('plainmamba', { embed_dims: 32, num_layers: 8 }),
];

/** `{ policy, length, start }`: the policy as JSON, and the prompt or the image that it meets. */
export const policy: Target = {
  name: 'policy',
  seeds: () => {
    const layers = [1, 3, 5];
    const settings = {
      alignment: 'none',
      conv: 'aligned',
      direction: 'forward',
      protect: [2, 0],
      protectLast: 4,
    };
    const importance = { metric: 'novel', source: 'ssm' };
    return [
      {
        name: 'utrc',
        layers,
        flopsReduction: 0.2,
        hidden: { q: 0.25 },
        residual: { q: 1 },
        similarity: 'sum',
      },
      { name: 'prune', layers, keep: 0.7, fuse: true, ...settings, importance },
      { name: 'prune', layers, flopsReduction: 0.3, importance },
      { name: 'merge', layers, keep: 0.6, similarity: 'residual' },
      { name: 'uniform', layers, keep: 0.5 },
      { name: 'random', layers, keep: 0.5, seed: 7 },
      { name: 'recent', layers, flopsReduction: 0.1 },
      { name: 'released-utrc', layers, keep: 0.75 },
      { name: 'released-top', layers, keep: 0.75 },
      { name: 'ltmp', layers, pruneBelow: 0.1, mergeAbove: 0.9 },
    ].map((policy, i) => Buffer.from(JSON.stringify({ policy, length: [64, 197, 1][i % 3], start: 0 })));
  },
  mutators: [mutateJson],
  run(input) {
    const json = attempt(['ERR_CHECKPOINT'], () => decodeJsonObject(input, 'policy'));
    if (!json) return;
    const made = attempt(['ERR_ARGUMENT'], () => policyFromJSON(json.policy));
    if (!made) return;
    const text = JSON.stringify(made);
    expect(
      JSON.stringify(policyFromJSON(JSON.parse(text))) === text,
      `a policy that its own JSON makes again: ${text}`,
    );
    const length = typeof json.length === 'number' ? json.length : 64;
    const start =
      Number.isSafeInteger(json.start) && (json.start as number) >= 0 ? (json.start as number) : 0;
    for (const model of configs) checkMet(made, model, length, start);
  },
};

/** Counts fall, at least one token stays, and FLOPs are numbers. */
function checkMet(
  made: ReturnType<typeof policyFromJSON>,
  model: ModelConfig,
  length: number,
  start: number,
): void {
  const met = attempt(['ERR_ARGUMENT'], () => resolvePolicy(made, model, length, start));
  if (!met) return;
  let before = length;
  for (const count of met.counts ?? []) {
    expect(
      Number.isSafeInteger(count) && count >= 1 && count <= before,
      `1 to ${before} tokens, not ${count}`,
    );
    before = count;
  }
  if (met.keep !== undefined) expect(met.keep > 0 && met.keep <= 1, `a keep ratio, not ${met.keep}`);
  expect(
    met.protectedCount >= 0 && met.protectedCount <= length,
    `0 to ${length} tokens, not ${met.protectedCount}`,
  );
  const isVision = model.family === 'vim' || model.family === 'plainmamba';
  const found = attempt(['ERR_ARGUMENT'], () =>
    flops(model as never, isVision ? { reduction: made } : { length, reduction: made }),
  );
  for (const [part, value] of Object.entries(found ?? {})) {
    if (typeof value === 'number')
      expect(Number.isFinite(value) && value >= 0, `FLOPs of ${part}, not ${value}`);
  }
}
