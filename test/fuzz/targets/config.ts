import { readFileSync } from 'node:fs';
import { decodeJsonObject } from '../../../lib/checkpoints/json';
import { parseConfig } from '../../../lib/models/config';
import type { ModelConfig } from '../../../lib/models/model-config';
import { parseVisionConfig } from '../../../lib/models/vision-config';
import { inferVisionConfig } from '../../../lib/models/vision-infer';
import { fixture } from '../../helpers/reference';
import { attempt, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';

const codes = ['ERR_CHECKPOINT', 'ERR_UNSUPPORTED'] as const;

/** A config.json, read as that of a language model and as that of a vision model. */
export const config: Target = {
  name: 'config',
  seeds: () => [
    ...['lm/mamba1-hf-sharded', 'lm/mamba2-groups-original', 'vision/vim', 'vision/plainmamba'].map((model) =>
      readFileSync(fixture(`${model}/config.json`)),
    ),
    Buffer.from(
      '{"model_type":"mamba2","hidden_size":64,"num_heads":2,"time_step_limit":[0,{"__float__":"Infinity"}]}',
    ),
  ],
  mutators: [mutateJson],
  run(input) {
    const json = attempt(codes, () => decodeJsonObject(input, 'config.json'));
    if (!json) return;
    for (const read of [parseConfig, parseVisionConfig]) {
      const found = attempt(codes, () => read('config.json', json));
      if (found) checkConfig(found);
    }
  },
};

/** Shapes of tensors as JSON, of which the config of a vision model is made. */
export const visionShapes: Target = {
  name: 'vision-shapes',
  seeds: () => ['vim', 'plainmamba'].map((family) => shapesOf(fixture(`vision/${family}/model.safetensors`))),
  mutators: [mutateJson],
  run(input) {
    const shapes = attempt(codes, () => decodeJsonObject(input, 'shapes'));
    const isShape = (value: unknown): value is number[] =>
      Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
    // Other shapes do not come out of a reader of checkpoints.
    const entries = Object.entries(shapes ?? {}).filter((entry): entry is [string, number[]] =>
      isShape(entry[1]),
    );
    const tensors = new Map(entries.map(([name, shape]) => [name, { shape }]));
    const found = attempt(codes, () => inferVisionConfig('model.safetensors', tensors));
    if (found) checkConfig(found);
  },
};

/** Sizes are counts, and every number is one. */
function checkConfig(found: ModelConfig): void {
  for (const [field, value] of Object.entries(found)) {
    for (const number of [value].flat()) {
      if (typeof number !== 'number') continue;
      expect(!Number.isNaN(number), `a number for ${field}`);
      if (!field.startsWith('dt') && !field.includes('Eps')) {
        expect(Number.isSafeInteger(number), `a whole number for ${field}, not ${number}`);
      }
      if (field.includes('Eps')) expect(number >= 0 && number <= 1, `an epsilon from 0 to 1, not ${number}`);
    }
  }
  expect(found.layers >= 1 && found.layers <= 4096, `1 to 4096 layers, not ${found.layers}`);
}

/** The shapes of the tensors of a file: all of the first block, one of each later one. */
function shapesOf(file: string): Buffer {
  const bytes = readFileSync(file);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
  const shapes = Object.entries<{ shape: number[] }>(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, { shape }]) => [name, shape]);
  return Buffer.from(JSON.stringify(Object.fromEntries(shapes)));
}
