import type { ModelConfig } from '../models/model-config';
import { type Command, listOption, numbersOption, UsageError, type Values } from './command';
import { checkBelonging, type PolicyMaker, policyFromOptions } from './reduction';
import type { Contender } from './reduction-bench';
import { policyOptions, policyOptionTable, type ReductionName, reductionNames } from './reduction-options';

const { keep: _keep, ...ofPolicies } = policyOptions;

/** Options of every benchmark: which policies at which shares of FLOPs, and how often each is measured. */
export const benchmarkOptions: Command['options'] = {
  rounds: { type: 'string', value: 'N', help: 'How often each is measured. Defaults to 5.' },
  policies: {
    type: 'string',
    value: 'LIST',
    help: 'Defaults to all that take a share of FLOPs; with vision to prune.',
  },
  ...ofPolicies,
  flops: {
    type: 'string',
    value: 'LIST',
    help: "Shares of the blocks' FLOPs to save. Defaults to 0.1,0.2,0.3; with vision to 0.15,0.3,0.45.",
  },
};

/** Makes the policies for a model. */
export type ContenderMaker = { name: ReductionName; make: PolicyMaker };

/**
 * Every policy of the options with every share of FLOPs to save; a policy that has no such share, once.
 *
 * @param byDefault the policies and shares where the options name none
 */
export function contendersFrom(
  values: Values,
  byDefault: { policies: readonly ReductionName[]; cuts: readonly number[] },
): ContenderMaker[] {
  const names = policyNamesFrom(values) ?? byDefault.policies;
  checkBelonging(values, names);
  const cuts = numbersOption(values, 'flops') ?? byDefault.cuts;
  return names.flatMap((name) => {
    const amounts = policyOptionTable.flops.of.includes(name) ? cuts.map(String) : [undefined];
    return amounts.map((flops) => ({ name, make: policyFromOptions(name, { ...values, flops }) }));
  });
}

export function contendersFor(makers: readonly ContenderMaker[], config: ModelConfig): Contender[] {
  return makers.map(({ name, make }) => ({ name, policy: make(config) }));
}

function policyNamesFrom(values: Values): readonly ReductionName[] | undefined {
  const given = listOption(values, 'policies');
  const unknown = given?.find((name) => !reductionNames.includes(name as ReductionName));
  if (unknown !== undefined) {
    throw new UsageError(
      `Expected some of ${reductionNames.join(', ')} for --policies but received '${unknown}'.`,
    );
  }
  return given as ReductionName[] | undefined;
}
