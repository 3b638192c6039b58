import { type Policy, policyNames } from '../reduction';
import {
  alignments,
  convolutions,
  directions,
  metrics,
  similarities,
  sources,
} from '../reduction/policy-types';
import { type Command, choiceOption, numberOption, numbersOption, type Values } from './command';

/** What a reduction may be called on the command line: a policy, or the one that is recommended for the model. */
export type ReductionName = Policy['name'] | 'recommended';
export const reductionNames: readonly ReductionName[] = [...policyNames, 'recommended'];

/** Policies that have all the options of policies. */
const shared = policyNames.filter((name) => name !== 'released-top');
const counted = shared.filter((name) => name !== 'ltmp');
const scored: readonly ReductionName[] = ['utrc', 'prune', 'ltmp'];

const choice = (choices: readonly string[]) => ({
  type: 'string' as const,
  value: choices.join('|'),
  read: (values: Values, name: string) => choiceOption(values, name, choices),
});
const number = (value: string) => ({ type: 'string' as const, value, read: numberOption });

/** Everything that says how tokens are removed; each option belongs to some policies. */
export const policyOptionTable: Record<
  string,
  Command['options'][string] & {
    of: readonly ReductionName[];
    /** Its place among the options of the policy's function. */
    path: string;
    read(values: Values, name: string): unknown;
  }
> = {
  flops: {
    ...number('SHARE'),
    help: "Share of the blocks' FLOPs to save, such as 0.2.",
    of: [...counted, 'recommended'],
    path: 'flopsReduction',
  },
  keep: {
    ...number('SHARE'),
    help: 'Instead of --flops: share of the tokens that each reduction keeps.',
    of: [...counted, 'released-top'],
    path: 'keep',
  },
  layers: {
    type: 'string',
    value: 'LIST',
    read: numbersOption,
    help: "Reduce after these layers, such as 10,15,20. Defaults to the papers', scaled to the model.",
    of: policyNames,
    path: 'layers',
  },
  align: {
    ...choice(alignments),
    help: 'Whose time step skipped positions take. Defaults to next.',
    of: shared,
    path: 'alignment',
  },
  conv: {
    ...choice(convolutions),
    help: 'What the convolution sees at skipped positions: nothing, or zeros. Defaults to compact.',
    of: shared,
    path: 'conv',
  },
  metric: {
    ...choice(metrics),
    help: 'How importance is measured. Defaults to clip.',
    of: scored,
    path: 'importance.metric',
  },
  source: {
    ...choice(sources),
    help: 'Which tensor importance is read from. Defaults to gated.',
    of: scored,
    path: 'importance.source',
  },
  'protect-last': {
    ...number('N'),
    help: 'How many of the last tokens are never removed. Defaults to 1.',
    of: shared,
    path: 'protectLast',
  },
  direction: {
    ...choice(directions),
    help: 'Whether a token may merge into any other or only into a later one. Defaults to any.',
    of: ['utrc', 'merge', 'ltmp'],
    path: 'direction',
  },
  similarity: {
    ...choice(similarities),
    help: 'Which branch tokens are compared by. Defaults to hidden.',
    of: ['utrc', 'merge'],
    path: 'similarity',
  },
  'q-hidden': {
    ...number('Q'),
    help: 'Share of the removed that the hidden branch drops; it merges the rest. Defaults to 0.5.',
    of: ['utrc'],
    path: 'hidden.q',
  },
  'q-residual': {
    ...number('Q'),
    help: 'The same for the residual branch. Defaults to 0.',
    of: ['utrc'],
    path: 'residual.q',
  },
  fuse: {
    type: 'boolean',
    read: (values, name) => values[name],
    help: 'Keep one more token: the mean of the dropped ones.',
    of: ['prune'],
    path: 'fuse',
  },
  'prune-below': {
    ...number('SCORE'),
    help: 'Drop tokens of less importance.',
    of: ['ltmp'],
    path: 'pruneBelow',
  },
  'merge-above': {
    ...number('COSINE'),
    help: 'Merge pairs that are more similar.',
    of: ['ltmp'],
    path: 'mergeAbove',
  },
  'random-seed': {
    ...number('N'),
    help: 'The same seed keeps the same positions. Defaults to 0.',
    of: ['random'],
    path: 'seed',
  },
};

/** Options of a policy, without its name; the help says whose they are. */
export const policyOptions: Command['options'] = Object.fromEntries(
  Object.entries(policyOptionTable).map(([name, { type, value, help, of }]) => [
    name,
    { type, value, help: of.length < counted.length ? `Of ${of.join(', ')}. ${help}` : help },
  ]),
);

/** Options of every command that reads one prompt. */
export const reductionOptions: Command['options'] = {
  reduce: {
    type: 'string',
    value: 'POLICY',
    help: `Remove tokens of the prompt: ${reductionNames.join(', ')}.`,
  },
  ...policyOptions,
};

const { 'protect-last': _ofPrompts, ...ofImages } = policyOptions;

/** Options of every command that reads images, whose tokens have no last ones. */
export const imageReductionOptions: Command['options'] = {
  reduce: {
    type: 'string',
    value: 'POLICY',
    help: `Remove tokens of every image: ${reductionNames.join(', ')}.`,
  },
  ...ofImages,
};
