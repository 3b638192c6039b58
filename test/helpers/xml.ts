export class XmlElement {
  readonly children: XmlElement[] = [];
  text = '';

  constructor(
    readonly name: string,
    readonly attributes: Record<string, string>,
  ) {}

  /** Every element of this name below this one. */
  all(name: string): XmlElement[] {
    return this.children.flatMap((child) => [...(child.name === name ? [child] : []), ...child.all(name)]);
  }
}

/** Reads a document of elements, quoted attributes and text; throws where it is not well-formed. */
export function parseXml(source: string): XmlElement {
  const root = new XmlElement('', {});
  const open = [root];
  const token = /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const match = token.exec(source);
    if (!match) throw new Error(`not well-formed at ${at}: ${source.slice(at, at + 60)}`);
    const [, closing, name, attributes, empty, text] = match;
    const parent = open[open.length - 1];
    if (text !== undefined) {
      parent.text += decoded(text);
    } else if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> at ${at} closes <${parent.name}>`);
    } else {
      const element = new XmlElement(
        name,
        Object.fromEntries(
          [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, decoded(value)]),
        ),
      );
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  if (open.length !== 1 || root.children.length !== 1) throw new Error('expected one element, closed');
  return root.children[0];
}

function decoded(text: string): string {
  const left = text.replace(/&(amp|lt|gt);/g, '');
  if (left.includes('&')) throw new Error(`a bare & in ${text}`);
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
