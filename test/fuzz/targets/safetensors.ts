import { decodeJsonObject } from '../../../lib/checkpoints/json';
import { readSafetensorsFrom } from '../../../lib/checkpoints/safetensors';
import { readShards, weightMapOf } from '../../../lib/checkpoints/sharded';
import { f32, safetensorsFile } from '../../helpers/safetensors-file';
import { attemptAsync } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';
import { mutateSafetensorsHeader, mutateSafetensorsOffsets } from '../mutators/safetensors';
import { memoryFile } from './memory-file';
import { checkTensors } from './tensors';

const example = safetensorsFile({
  'backbone.embeddings.weight': f32([4, 2], Array(8).fill(1)),
  'backbone.layers.0.mixer.D': f32([2], [1, 2]),
  'backbone.norm_f.weight': f32([2], [3, 4]),
});

export const safetensors: Target = {
  name: 'safetensors',
  seeds: () => [
    example,
    safetensorsFile({}),
    safetensorsFile({
      a: { dtype: 'BF16', shape: [], data: new Uint8Array(2) },
      b: { dtype: 'I64', shape: [0, 3], data: new Uint8Array(0) },
    }),
    Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
  ],
  mutators: [mutateSafetensorsHeader, mutateSafetensorsOffsets],
  async run(input) {
    const tensors = await attemptAsync(['ERR_CHECKPOINT'], () => readSafetensorsFrom(memoryFile(input)));
    if (tensors) checkTensors(tensors, input.length);
  },
};

/** An index whose shards are in memory; their own headers are the other target's. */
export const shardIndex: Target = {
  name: 'shard-index',
  seeds: () => [
    Buffer.from('{"metadata":{"total_size":48},"weight_map":{"backbone.norm_f.weight":"shard.safetensors"}}'),
    Buffer.from('{"weight_map":{"a":"../shard.safetensors","b":"missing.safetensors"}}'),
  ],
  mutators: [mutateJson],
  async run(input) {
    const tensors = await attemptAsync(['ERR_CHECKPOINT'], async () => {
      const weightMap = weightMapOf('index', decodeJsonObject(input, 'index'));
      return readShards('index', weightMap, ['shard.safetensors'], () =>
        readSafetensorsFrom(memoryFile(example)),
      );
    });
    if (tensors) checkTensors(tensors, example.length);
  },
};
