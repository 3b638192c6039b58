import { type LanguageModel, type LoadOptions, loadLanguageModel } from '../../lib';
import { testDevice } from './test-device';

/** `loadLanguageModel`, on the device of the tests unless the options say another. */
export function loadModel(source: string, options: LoadOptions = {}): Promise<LanguageModel> {
  return loadLanguageModel(source, { device: testDevice(), ...options });
}
