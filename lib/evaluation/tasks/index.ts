export type { DataOptions } from './data-files';
export { type LanguageTaskOptions, languageTask } from './language-task';
export { type LanguageTaskName, languageTaskNames } from './registry';
