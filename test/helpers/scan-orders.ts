/** The orders in which vision models visit the places of a grid, and the label of each move; both `[directions, places]`. */
export type ScanOrders = { orders: number[][]; labels: number[][] };

/** ViM: raster order and its reverse. */
export function rasterOrders(places: number): number[][] {
  const order = Array.from({ length: places }, (_, i) => i);
  return [order, [...order].reverse()];
}

/**
 * PlainMamba: the row-wise snake from the top left, its reverse, the column-wise one, its reverse. Labels are 0 at the start and
 * then the direction of the move: 1 right, 2 left, 3 up, 4 down.
 */
export function snakeOrders(height: number, width: number): ScanOrders {
  const snake = (lines: number, length: number, place: (line: number, i: number) => number) =>
    Array.from({ length: lines * length }, (_, t) => {
      const [line, i] = [Math.floor(t / length), t % length];
      return place(line, line % 2 === 0 ? i : length - 1 - i);
    });
  const rows = snake(height, width, (y, x) => y * width + x);
  const columns = snake(width, height, (x, y) => y * width + x);
  const orders = [rows, [...rows].reverse(), columns, [...columns].reverse()];
  const labelOf = (from: number, to: number) => {
    const [dy, dx] = [Math.floor(to / width) - Math.floor(from / width), (to % width) - (from % width)];
    return dx > 0 ? 1 : dx < 0 ? 2 : dy < 0 ? 3 : 4;
  };
  const labels = orders.map((order) => order.map((to, t) => (t === 0 ? 0 : labelOf(order[t - 1], to))));
  return { orders, labels };
}
