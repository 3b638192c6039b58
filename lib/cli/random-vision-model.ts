import { fromNativeSync } from '../errors';
import type { VisionConfig } from '../models/vision-config';
import { native } from '../native';
import { type Draw, drawTensor, logRates, near, spread, timeStepBias } from './random-weights';
import { writeSafetensors } from './write-safetensors';

/** Writes random weights for a model of this shape, under the names of the authors' checkpoints and in float32. */
export async function writeRandomVisionModel(file: string, config: VisionConfig): Promise<void> {
  const model = fromNativeSync(
    () => new native.VisionModel(config, { device: 'cpu', dtype: 'f32', threads: 1 }),
  );
  try {
    const tensors = model.slots().map(({ name, shape }) => ({
      name,
      shape,
      values: () => drawTensor(name, shape, drawOf(name, shape, config)),
    }));
    await writeSafetensors(file, tensors);
  } finally {
    model.dispose();
  }
}

function drawOf(name: string, shape: readonly number[], { family, dState }: VisionConfig): Draw {
  if (/\.A(_b)?_log$/.test(name)) return logRates(dState);
  // PlainMamba adds this bias twice.
  if (/\.dt_proj\w*\.bias$/.test(name)) return family === 'plainmamba' ? halved(timeStepBias) : timeStepBias;
  if (/\.D(_b)?$|\.running_var$/.test(name)) return near(1);
  if (/(^|\.)(pos_embed|cls_token|direction_Bs)$/.test(name)) return spread(0.1);
  if (shape.length === 1) return name.endsWith('.weight') ? near(1) : spread(0.1); // norms; biases and means
  const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
  return spread(inputs ** -0.5);
}

function halved(draw: Draw): Draw {
  return (random, i) => draw(random, i) / 2;
}
