/**
 * The last place of a row in `order`, -1 for one that is not there. A table of all rows where most are there; a path of a few steps
 * over very many rows must not take memory for all of them.
 */
export function placesOf(order: Int32Array, rows: number): (row: number) => number {
  if (rows > 64 * order.length + 4096) {
    const places = new Map(Array.from(order, (row, place) => [row, place]));
    return (row) => places.get(row) ?? -1;
  }
  const places = new Int32Array(rows).fill(-1);
  order.forEach((row, place) => {
    places[row] = place;
  });
  return (row) => places[row] ?? -1;
}
