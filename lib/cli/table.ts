/** Rows of cells as lines of text: the first columns of words to the left, numbers to the right. */
export function tableLines(rows: readonly (readonly string[])[], words = 1): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i < words ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  );
}
