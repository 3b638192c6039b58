import { colours, linePlots, type Panel, textColour } from '../../../lib/plot/line-plots';
import { Draw } from '../../helpers/random';
import { parseXml } from '../../helpers/xml';

const panel = (series: Panel['series'], yScale?: Panel['yScale']): Panel => ({
  title: 'Title',
  xLabel: 'across',
  yLabel: 'up',
  yScale,
  series,
});

/** Points of a path that lie on lines: what follows M and L. */
function pathPoints(d: string): [number, number][] {
  return [...d.matchAll(/[ML](-?[\d.e+-]+) (-?[\d.e+-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

test('an SVG document with labels, titles and a legend that names each series once', () => {
  const series = [
    { name: 'a < b & c', points: [[1, 2] as const, [2, 3] as const] },
    { name: 'bound', points: [[0, 3] as const, [2, 1] as const], dashed: true },
  ];
  const svg = linePlots([panel(series), panel(series.slice(0, 1), 'log')]);
  const root = parseXml(svg);
  expect(root).toMatchObject({ name: 'svg', attributes: { xmlns: 'http://www.w3.org/2000/svg' } });
  const texts = root.all('text').map(({ text }) => text);
  for (const label of ['Title', 'across', 'up']) {
    expect(texts.filter((text) => text === label)).toHaveLength(2);
  }
  expect(texts.filter((text) => text === 'a < b & c')).toHaveLength(1);
  expect(texts.filter((text) => text === 'bound')).toHaveLength(1);
});

test('a series looks the same in every panel and the legend', () => {
  const series = ['a', 'b', 'c'].map((name, i) => ({ name, points: [[i, i + 1] as const] }));
  const paths = parseXml(linePlots([panel(series), panel(series.slice(1))])).all('path');
  const lines = (colour: string) => paths.filter(({ attributes }) => attributes.style === `stroke:${colour}`);
  expect(colours.slice(0, 4).map((colour) => lines(colour).length)).toEqual([2, 3, 3, 0]);
});

test('everything lies within the view box', () => {
  const draw = new Draw(3);
  for (let i = 0; i < 100; i += 1) {
    const scaling = draw.pick(['linear', 'fitted', 'log'] as const);
    const scale = 10 ** draw.int(-6, 6);
    const series = Array.from({ length: draw.int(1, 12) }, (_, name) => ({
      name: `series ${name}`,
      dashed: name === 0,
      points: Array.from({ length: draw.int(1, 5) }, (): [number, number, number] => [
        100 * draw.next(),
        scale * (draw.pick([0, 1e-9, draw.next()]) - (scaling === 'fitted' ? 0.5 : 0)),
        scale * draw.pick([0, Number.NaN, scaling === 'linear' ? 0 : draw.next()]),
      ]),
    }));
    const panels = Array.from({ length: draw.int(1, 5) }, (_, i) => panel(series.slice(i), scaling));
    const root = parseXml(linePlots(panels));
    const [, , width, height] = root.attributes.viewBox.split(' ').map(Number);
    const inside = (x: number, y: number) => x >= 0 && x <= width && y >= 0 && y <= height;
    for (const group of root.all('g')) {
      const [, across, down] = group.attributes.transform.match(/^translate\((\d+) (\d+)\)$/)!;
      const inside = (x: number, y: number) =>
        x >= 0 && Number(across) + x <= width && y >= 0 && Number(down) + y <= height;
      for (const { attributes } of [...group.all('line'), ...group.all('text')]) {
        if (attributes.x !== undefined) expect(inside(Number(attributes.x), Number(attributes.y))).toBe(true);
        if (attributes.x1 !== undefined)
          expect(inside(Number(attributes.x2), Number(attributes.y2))).toBe(true);
      }
      // The last tick is at or above the largest value, so nothing leaves the panel either.
      for (const { attributes } of group.all('path')) {
        for (const [x, y] of pathPoints(attributes.d)) {
          expect(x).toBeGreaterThanOrEqual(59);
          expect(x).toBeLessThanOrEqual(425);
          expect(y).toBeGreaterThanOrEqual(30);
          expect(y).toBeLessThanOrEqual(281);
        }
      }
    }
    for (const { attributes } of root.children.filter(({ name }) => name === 'text')) {
      expect(inside(Number(attributes.x), Number(attributes.y))).toBe(true);
    }
  }
});

test('points stand where their values are', () => {
  const points = [[0, 0] as const, [10, 50] as const, [20, 100] as const];
  const [line] = parseXml(linePlots([panel([{ name: 'a', points }])])).all('path');
  const [[x0, y0], [x1, y1], [x2, y2]] = pathPoints(line.attributes.d);
  expect(x1 - x0).toBeCloseTo(x2 - x1, 1);
  expect(y0 - y1).toBeCloseTo(y1 - y2, 1);
  expect(y0).toBeGreaterThan(y2);

  const decades = [[1, 0.01] as const, [2, 0] as const, [3, 1] as const, [2.5, 0.1] as const];
  const [logLine] = parseXml(linePlots([panel([{ name: 'a', points: decades }], 'log')])).all('path');
  const rises = pathPoints(logLine.attributes.d); // without the point at 0, from left to right
  expect(rises).toHaveLength(3);
  expect(rises[0][1] - rises[1][1]).toBeCloseTo(rises[1][1] - rises[2][1], 1);
});

test('ticks are round numbers', () => {
  const ticks = (largest: number, yScale?: Panel['yScale']) =>
    parseXml(linePlots([panel([{ name: 'a', points: [[30, largest]] }], yScale)]))
      .all('text')
      .filter(({ attributes }) => attributes['text-anchor'] === 'end')
      .map(({ text }) => text);
  expect(ticks(812)).toEqual(['0', '200', '400', '600', '800', '1000']);
  expect(ticks(0.3)).toEqual(['0', '0.1', '0.2', '0.3']);
  expect(ticks(5)).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(ticks(0)).toEqual(['0', '0.2', '0.4', '0.6', '0.8', '1']);
  expect(ticks(0.02, 'log')).toEqual(['0.01', '0.1']);
});

test('colours stand out from white and from near-black', () => {
  for (const background of ['#ffffff', '#0d1117']) {
    for (const colour of colours) expect(contrast(colour, background)).toBeGreaterThan(3);
    expect(contrast(textColour, background)).toBeGreaterThan(4.2);
  }
});

/** Of WCAG 2. */
function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test('errors are bars around their points', () => {
  const points = [[0, 60, 10] as const, [1, 80, 5] as const, [2, 70] as const];
  const [bars, line] = parseXml(linePlots([panel([{ name: 'a', points }], 'fitted')])).all('path');
  expect(bars.attributes.class).toBe('error');
  const drawn = [...bars.attributes.d.matchAll(/M(\S+) (\S+)h6M\S+ (\S+)h6M(\S+) (\S+)V(\S+?)(?=M|$)/g)];
  const [first, second, ...others] = drawn.map((match) => match.slice(1).map(Number));
  expect(others).toEqual([]);
  const [[x, y]] = pathPoints(line.attributes.d);
  expect(first[3]).toBe(x);
  expect(first[4] + first[5]).toBeCloseTo(2 * y, 1);
  expect(first[4] - first[5]).toBeCloseTo(2 * (second[4] - second[5]), 0);
});

test('a fitted axis need not start from 0', () => {
  const ticks = (low: number, high: number) =>
    parseXml(
      linePlots([
        panel(
          [
            {
              name: 'a',
              points: [
                [1, low],
                [2, high],
              ],
            },
          ],
          'fitted',
        ),
      ]),
    )
      .all('text')
      .filter(({ attributes }) => attributes['text-anchor'] === 'end')
      .map(({ text }) => Number(text));
  expect(ticks(61, 84)).toEqual([60, 65, 70, 75, 80, 85]);
  expect(ticks(-0.3, 0.2)).toEqual([-0.3, -0.2, -0.1, 0, 0.1, 0.2]);
  expect(ticks(5, 5)).toEqual([5, 6]);
});
