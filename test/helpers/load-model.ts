import {
  type LanguageModel,
  type LoadOptions,
  loadLanguageModel,
  loadVisionModel,
  type VisionLoadOptions,
  type VisionModel,
} from '../../lib';
import { testDevice } from './test-device';

/**
 * `loadLanguageModel`, on the device of the tests unless the options say another. There in float32, because a GPU rounds
 * activations to the dtype of the weights, and what tests compare with has float32 activations.
 */
export function loadModel(source: string, options: LoadOptions = {}): Promise<LanguageModel> {
  const device = testDevice();
  return loadLanguageModel(source, device === 'cpu' ? options : { device, dtype: 'f32', ...options });
}

/** `loadVisionModel` in the same way. */
export function loadTestVisionModel(source: string, options: VisionLoadOptions = {}): Promise<VisionModel> {
  const device = testDevice();
  return loadVisionModel(source, device === 'cpu' ? options : { device, dtype: 'f32', ...options });
}
