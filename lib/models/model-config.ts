import type { LanguageModelConfig } from './config';
import type { Json } from './config-reader';
import type { VisionConfig } from './vision-config';

/** The shape of any model of this package. */
export type ModelConfig = LanguageModelConfig | VisionConfig;

export function isVision(config: ModelConfig): config is VisionConfig {
  return config.family === 'vim' || config.family === 'plainmamba';
}

/** True for the config.json of a language model, in either format. */
export function describesLanguage(json: Json): boolean {
  return (
    json.model_type === 'mamba' || json.model_type === 'mamba2' || ('d_model' in json && 'n_layer' in json)
  );
}

/** True for the config of a vision model, which has the fields of the authors' constructors. */
export function describesVision(json: Json): boolean {
  return 'embed_dim' in json || 'embed_dims' in json;
}
