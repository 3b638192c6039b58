import path from 'node:path';
import type { JournalHeader } from '../evaluation';
import type { LanguageModel } from '../models/language-model';
import type { VisionModel } from '../models/vision-model';
import { packageVersion } from '../version';
import type { Values } from './command';

/** Which model a result is of, as results say it. */
export function describeModel(model: LanguageModel | VisionModel, values: Values) {
  const { config, fingerprint, parameterCount, dtype, activations, backend } = model;
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
    activations,
    backend,
  };
}

/** What of a model decides the values that are measured on it: a journal belongs to it. */
export function identityOf(model: LanguageModel | VisionModel): JournalHeader {
  const { fingerprint, backend, dtype, activations, device } = model;
  return { skipscan: packageVersion, model: fingerprint, backend, dtype, activations, device };
}
