import { invalidArgument, SkipscanError } from '../errors';
import { isVision, type ModelConfig } from '../models/model-config';
import type { VisionConfig } from '../models/vision-config';
import { classPosition } from '../models/vision-grid';
import type { Policy, PolicySettings } from './policy-types';

/** What the public code of ToP-ViM does, which knows no other way. */
const releasedTop: PolicySettings = {
  importance: { metric: 'sum', source: 'gated' },
  alignment: 'none',
  conv: 'compact',
  direction: 'any',
  protect: [],
  protectLast: 1,
};

/**
 * How a policy treats the tokens of one sequence, or of one image, of a model: its own options, and for a vision model the class
 * token among the protected ones and no last tokens, of which an image has none.
 *
 * @throws SkipscanError `ERR_ARGUMENT` when the policy is not for such a model
 */
export function settingsFor(policy: Policy, config: ModelConfig, length: number): PolicySettings {
  const settings = ownSettings(policy);
  if (!isVision(config)) {
    if (policy.name !== 'released-top') return settings;
    throw unfit(
      'The policy released-top is for ViM models; this is a language model. Use utrc() or prune().',
    );
  }
  checkVision(policy, settings, config, length);
  const position = classPosition(config, length);
  const protect = position === undefined ? settings.protect : [...settings.protect, position];
  return { ...settings, protect: [...new Set(protect)].sort((a, b) => a - b), protectLast: 0 };
}

function ownSettings(policy: Policy): PolicySettings {
  if (policy.name === 'released-top') return releasedTop;
  const { importance, alignment, conv, direction, protect, protectLast } = policy;
  return { importance, alignment, conv, direction, protect, protectLast };
}

function checkVision(policy: Policy, settings: PolicySettings, config: VisionConfig, length: number): void {
  if (settings.protectLast !== 1) {
    throw unfit(
      `The policy ${policy.name} protects the last ${settings.protectLast} tokens (protectLast), which are those of a prompt. ` +
        `The tokens of an image have no last ones: leave the option out, or name positions with protect.`,
    );
  }
  if (settings.importance.metric === 'state') {
    throw unfit(
      `The policy ${policy.name} goes by the metric 'state', which is for causal models only: an image's final state depends on ` +
        `the direction of the scan. Use 'novel' or another metric.`,
    );
  }
  if (policy.name !== 'released-top') return;
  if (config.family !== 'vim') {
    throw unfit('The policy released-top is for ViM models; this is a PlainMamba. Use prune().');
  }
  if (length % 2 === 0) {
    throw unfit(
      `The policy released-top needs an even number of patches, so that the class token has as many before it as after it; this ` +
        `image has ${length - 1}. Use prune(), or images of another size.`,
    );
  }
}

function unfit(message: string): SkipscanError {
  return new SkipscanError('ERR_ARGUMENT', message);
}

/** Checks that a value passed as the config is one, at least by its layers; passing the model instead is an easy slip. */
export function checkConfig(config: ModelConfig): void {
  if (!Number.isSafeInteger(config?.layers) || config.layers < 1) {
    throw invalidArgument('config', 'the config of a model, such as model.config,', config);
  }
}
