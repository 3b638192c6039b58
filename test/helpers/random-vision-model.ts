import type { VisionConfig } from '../../lib';
import { parseVisionConfig } from '../../lib/models/vision-config';
import { native } from '../../lib/native';
import { Random } from '../../lib/text/random';
import { f32, safetensorsFile, type TensorSource } from './safetensors-file';

/** A config.json in the authors' words (`embed_dim`, or `embed_dims` for PlainMamba). */
export type VisionShape = Record<string, unknown>;

/** The files of a random vision model in the authors' format. Weights are of a size that keeps activations near 1. */
export function randomVisionModel(shape: VisionShape, seed = 1): Record<string, string | Uint8Array> {
  const random = new Random(seed);
  const config: VisionConfig = parseVisionConfig('config.json', shape);
  const model = new native.VisionModel(config, { device: 'cpu', dtype: 'f32', threads: 1 });
  const tensors: Record<string, TensorSource> = {};
  for (const { name, shape: size } of model.slots()) {
    const inputs = size.length > 1 ? size.slice(1).reduce((a, b) => a * b, 1) : 1;
    const [low, high] = rangeOf(name, size, inputs);
    const count = size.reduce((a, b) => a * b, 1);
    tensors[name] = f32(
      size,
      Array.from({ length: count }, () => low + (high - low) * random.next()),
    );
  }
  model.dispose();
  return { 'config.json': JSON.stringify(shape), 'model.safetensors': safetensorsFile(tensors) };
}

function rangeOf(name: string, size: number[], inputs: number): [number, number] {
  if (/A_log|A_b_log/.test(name)) return [0, 2];
  if (/dt_proj\w*\.bias/.test(name)) return [-4, -1];
  if (/running_var|norm\w*\.weight|ln1\.weight|(stem|dw)\.1\.weight|\.D(_b)?$/.test(name)) return [0.5, 1.5];
  if (size.length === 1 || /pos_embed|cls_token|direction_Bs/.test(name)) return [-0.3, 0.3];
  return [-1.7 / Math.sqrt(inputs), 1.7 / Math.sqrt(inputs)];
}

/** Normalised pixels of so many images. */
export function randomImages(random: Random, images: number, height: number, width: number): Float32Array {
  return Float32Array.from({ length: images * 3 * height * width }, () => 4 * random.next() - 2);
}
