import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A repository to be served, of a model or a data set. Files of `lfs` are kept apart, as the hub does with weights. */
export type HubModel = {
  files: Record<string, Uint8Array>;
  lfs?: Record<string, Uint8Array>;
  /** Branches and tags besides `main`; each stands for the one commit there is. */
  refs?: string[];
  /** Serve files only with this token, as for a gated model. */
  token?: string;
};

/** What a test may do instead of the regular answer; true when it did. */
export type Interception = (request: IncomingMessage, response: ServerResponse) => boolean;

export const commitHash = 'c0ffee'.padEnd(40, '0');

/**
 * A server on this machine that speaks the part of the hub's protocol that downloads use: what a revision is, the tree
 * of a commit (in pages), and its files. Files in LFS are redirected to a second server, as the hub does to its CDN.
 */
export class HubServer {
  readonly requests: string[] = [];
  /** The Authorization headers that the storage server was sent. */
  readonly storageTokens: (string | undefined)[] = [];
  intercept: Interception = () => false;

  readonly #hub = createServer((request, response) => this.#answer(request, response));
  readonly #storage = createServer((request, response) => this.#answerStorage(request, response));

  private constructor(private readonly models: Record<string, HubModel>) {}

  static async start(models: Record<string, HubModel>): Promise<HubServer> {
    const server = new HubServer(models);
    await Promise.all([listen(server.#hub), listen(server.#storage)]);
    return server;
  }

  get url(): string {
    return address(this.#hub);
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.url);
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.intercept(request, response)) return;

    const [, api, id, rest] =
      /^\/(api\/(?:models|datasets)\/)?(?:datasets\/)?([^/]+\/[^/]+)(\/.*)$/.exec(url.pathname) ?? [];
    const [, kind, revision, path] = /^\/(revision|tree|resolve)\/([^/]+)(?:\/(.*))?$/.exec(rest ?? '') ?? [];
    const model = this.models[id ?? ''];
    const isKnown = ['main', commitHash, ...(model?.refs ?? [])].includes(decodeURIComponent(revision ?? ''));
    if (!model) fail(response, 401, 'RepoNotFound', 'Invalid username or password.');
    else if (!isKnown) fail(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    else if (api && kind === 'revision') json(response, { _id: 'x', id, sha: commitHash, lastModified: 0 });
    else if (api && kind === 'tree') this.#tree(model, url, response);
    else if (!api && kind === 'resolve')
      this.#resolve(model, decodeURIComponent(path ?? ''), request, response);
    else fail(response, 404, 'NotFound', 'Not found');
  }

  #tree(model: HubModel, url: URL, response: ServerResponse): void {
    const entries: object[] = [
      { type: 'directory', path: 'folder', oid: objectId(Buffer.alloc(0)), size: 0 },
    ];
    for (const [path, data] of Object.entries(model.files)) {
      entries.push({ type: 'file', path, size: data.length, oid: objectId(data) });
    }
    for (const [path, data] of Object.entries(model.lfs ?? {})) {
      const lfs = { oid: sha256(data), size: data.length, pointerSize: 134 };
      entries.push({ type: 'file', path, size: data.length, oid: objectId(Buffer.from(lfs.oid)), lfs });
    }
    const pageSize = 3;
    const start = Number(url.searchParams.get('cursor') ?? 0);
    if (start + pageSize < entries.length) {
      url.searchParams.set('cursor', String(start + pageSize));
      response.setHeader('Link', `<${url.href}>; rel="next"`);
    }
    json(response, entries.slice(start, start + pageSize));
  }

  #resolve(model: HubModel, path: string, request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = request.headers;
    const stored = model.lfs?.[path];
    const data = model.files[path];
    response.setHeader('X-Repo-Commit', commitHash);
    if (model.token && authorization !== `Bearer ${model.token}`) {
      fail(response, authorization ? 403 : 401, 'GatedRepo', 'Access to this model is restricted.');
    } else if (stored) {
      response.setHeader('X-Linked-Size', stored.length);
      response.setHeader('X-Linked-ETag', `"${sha256(stored)}"`);
      response.writeHead(302, { Location: `${address(this.#storage)}/${sha256(stored)}` }).end();
    } else if (data) {
      response.setHeader('ETag', `"${objectId(data)}"`);
      response.end(data);
    } else {
      fail(response, 404, 'EntryNotFound', 'Entry not found');
    }
  }

  #answerStorage(request: IncomingMessage, response: ServerResponse): void {
    this.storageTokens.push(request.headers.authorization);
    if (this.intercept(request, response)) return;
    const contents = Object.values(this.models).flatMap(({ lfs }) => Object.values(lfs ?? {}));
    response.end(contents.find((data) => request.url === `/${sha256(data)}`));
  }
}

function listen(server: Server): Promise<void> {
  return new Promise((done) => server.listen(0, '127.0.0.1', done));
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, {
    'X-Error-Code': code,
    'X-Error-Message': message,
    'Content-Type': 'application/json',
  });
  response.end(JSON.stringify({ error: message }));
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** What git calls these contents. */
function objectId(data: Uint8Array): string {
  return createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
}
