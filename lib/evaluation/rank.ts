/** How many logits come before that of class `label`: greater ones, equal ones of earlier classes, and what is not a number. */
export function rankOf(logits: ArrayLike<number>, label: number): number {
  let rank = 0;
  for (let i = 0; i < logits.length; i += 1) {
    const after = logits[i] < logits[label] || (logits[i] === logits[label] && i >= label);
    if (!after && i !== label) rank += 1;
  }
  return rank;
}
