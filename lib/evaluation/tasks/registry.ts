import { invalidArgument } from '../../errors';
import { arcChallenge, arcEasy } from './arc';
import { hellaswag } from './hellaswag';
import { lambadaOpenai } from './lambada';
import { piqa } from './piqa';
import type { LanguageTaskDefinition } from './question';
import { winogrande } from './winogrande';

/** Named as in lm-evaluation-harness. */
export type LanguageTaskName =
  | 'lambada_openai'
  | 'hellaswag'
  | 'piqa'
  | 'arc_easy'
  | 'arc_challenge'
  | 'winogrande';

const definitions = {
  lambada_openai: lambadaOpenai,
  hellaswag,
  piqa,
  arc_easy: arcEasy,
  arc_challenge: arcChallenge,
  winogrande,
} satisfies Record<LanguageTaskName, LanguageTaskDefinition>;

export const languageTaskNames = Object.keys(definitions) as readonly LanguageTaskName[];

export function definitionOf(name: LanguageTaskName): LanguageTaskDefinition {
  if (Object.hasOwn(definitions, name)) return definitions[name];
  throw invalidArgument('the task', `one of ${languageTaskNames.join(', ')}`, name);
}
