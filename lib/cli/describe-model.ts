import path from 'node:path';
import type { LanguageModel } from '../models/language-model';
import type { VisionModel } from '../models/vision-model';
import type { Values } from './command';

/** Which model a result is of, as results say it. */
export function describeModel(model: LanguageModel | VisionModel, values: Values) {
  const { config, fingerprint, parameterCount, dtype, backend } = model;
  const { family, layers, dModel } = config;
  return {
    // A path of the machine that skipscan is installed on says nothing elsewhere.
    source:
      (values.model as string | undefined) ?? `${path.basename(model.source)}, which ships with skipscan`,
    fingerprint,
    family,
    layers,
    dModel,
    parameters: parameterCount,
    dtype,
    backend,
  };
}
