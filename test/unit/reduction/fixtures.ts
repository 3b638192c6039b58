import { SkipscanError } from '../../../lib/errors';
import { type LanguageModelConfig, parseConfig } from '../../../lib/models/config';

const shape = (layer: 'Mamba1' | 'Mamba2', layers: number, width: number): LanguageModelConfig =>
  parseConfig('config.json', { d_model: width, n_layer: layers, ssm_cfg: { layer }, vocab_size: 50277 });

export const mamba1b4 = shape('Mamba1', 48, 2048);
export const mamba2b8 = shape('Mamba1', 64, 2560);
export const mambaTwo1b3 = shape('Mamba2', 48, 2048);
export const mambaTwo2b7 = shape('Mamba2', 64, 2560);

/** A Mamba-2 model with this many layers. */
export const deep = (layers: number): LanguageModelConfig => shape('Mamba2', layers, 64);

/** The message of the ERR_ARGUMENT that `work` throws. */
export function argumentError(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SkipscanError);
    expect((error as SkipscanError).code).toBe('ERR_ARGUMENT');
    return (error as SkipscanError).message;
  }
  throw new Error('expected it to throw');
}
