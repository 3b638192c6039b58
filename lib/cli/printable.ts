/**
 * Text that came from elsewhere (a model, its labels, a server, the name of a file) as it may be shown on a terminal: control
 * characters, which would be commands to it, are written out. Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (control) => {
    const code = control.codePointAt(0)!.toString(16).padStart(2, '0');
    return `\\x${code}`;
  });
}
