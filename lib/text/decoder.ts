import { checkedId, type DecodeOptions, type Tokenizer } from './tokenizer';

/** What stands for bytes that are not, or not yet, a character. */
const replacement = '\ufffd';

/**
 * Decodes one token at a time. Only complete characters come out: bytes of a character that later tokens may finish are
 * held back. All pieces joined, `flush()` included, equal `tokenizer.decode` of all tokens.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #options: DecodeOptions;
  readonly #decoder: ByteStream | WindowStream;

  constructor(tokenizer: Tokenizer, options: DecodeOptions = {}) {
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#decoder = tokenizer.byteLevel ? new ByteStream(tokenizer) : new WindowStream(tokenizer);
  }

  /** Takes the next token; gives the text that is certain now, often one token's, sometimes none. */
  push(token: number): string {
    return this.#tokenizer.isVisible(checkedId(token), this.#options) ? this.#decoder.push(token) : '';
  }

  /** Ends the text: gives what was held back, with U+FFFD for a character that never became complete. */
  flush(): string {
    return this.#decoder.flush();
  }
}

/** Byte-level tokens: their bytes, decoded as they come. */
class ByteStream {
  readonly #tokenizer: Tokenizer;
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  push(token: number): string {
    return this.#utf8.decode(this.#tokenizer.bytesOf(token), { stream: true });
  }

  flush(): string {
    return this.#utf8.decode();
  }
}

/**
 * Any other tokenizer: a token's text may depend on what stands before it (a word's first piece takes a space, except
 * at the start of a text), so a window of the last tokens is decoded again with each new one. The window begins with
 * the tokens that last gave text, which keeps its cost constant and its start inside the text.
 */
class WindowStream {
  readonly #tokenizer: Tokenizer;
  #window: number[] = [];
  /** How many tokens at the start of the window have been given out, and the text they decode to here. */
  #given = 0;
  #givenText = '';

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  push(token: number): string {
    this.#window.push(token);
    const text = this.#tokenizer.decode(this.#window);
    if (text.length <= this.#givenText.length || text.endsWith(replacement)) return '';
    const piece = text.slice(this.#givenText.length);
    this.#window = this.#window.slice(this.#given);
    this.#given = this.#window.length;
    this.#givenText = this.#tokenizer.decode(this.#window);
    return piece;
  }

  flush(): string {
    const rest = this.#tokenizer.decode(this.#window).slice(this.#givenText.length);
    this.#window = [];
    this.#given = 0;
    this.#givenText = '';
    return rest;
  }
}
