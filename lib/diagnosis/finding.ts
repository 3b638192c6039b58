/** What was found, and where that is not as it should be: what was expected, and what to do, a sentence with its full stop. */
export type Finding = { found: string; expected?: string; advice?: string };

/** `<found>. Expected <expected>. <advice>` */
export function sentence({ found, expected, advice }: Finding): string {
  return [`${found}.`, expected && `Expected ${expected}.`, advice].filter(Boolean).join(' ');
}
