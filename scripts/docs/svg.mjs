const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (character) => escapes[character]);

/** An element as text. Numbers are rounded to a tenth; children are elements, or strings that `text()` made. */
export function element(name, attributes, ...children) {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? round(value) : value)}"`);
  const inside = children.flat(Number.POSITIVE_INFINITY).join('');
  return inside === '' ? `<${name}${pairs.join('')}/>` : `<${name}${pairs.join('')}>${inside}</${name}>\n`;
}

export function text(x, y, content, attributes = {}) {
  return element('text', { x, y, ...attributes }, escaped(content));
}

export function group(x, y, ...children) {
  return element('g', { transform: `translate(${round(x)} ${round(y)})` }, ...children);
}

/** `M x y L x y ...` */
export function polyline(points, attributes) {
  const d = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  return element('path', { d, fill: 'none', ...attributes });
}

export const round = (value) => Math.round(value * 10) / 10;
