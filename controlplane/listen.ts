// SPDX-License-Identifier: Apache-2.0

/** Where the control plane answers over HTTP. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Answers a path, or leaves it to others. */
export type Answer = (path: string) => Response | Promise<Response> | undefined;

/** Reads "127.0.0.1:9441" or "[::1]:9441"; undefined when it is neither that nor a name with a port. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  return hostname === undefined || port < 1 || port > 65535 ? undefined : { hostname, port };
}

/** What is answered somewhere, and the command line's option that says where. */
export interface Endpoint {
  readonly address: ListenAddress;
  readonly option: string;
  readonly answer: Answer;
}

/** Answers until the signal; endpoints at one address share a server. Throws when nothing can listen there. */
export async function listen(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<void> {
  const byAddress = Map.groupBy(endpoints, ({ address: { hostname, port } }) => `${hostname} port ${port}`);
  await Promise.all([...byAddress.values()].map((shared) => serve(shared, signal)));
}

async function serve(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { hostname, port } = endpoints[0]!.address;
  const answer = (request: Request): Response | Promise<Response> => {
    const { pathname } = new URL(request.url);
    for (const endpoint of endpoints) {
      const response = endpoint.answer(pathname);
      if (response !== undefined) return response;
    }
    return new Response("no such path\n", { status: 404 });
  };
  let server;
  try {
    server = Deno.serve({ hostname, port, signal, onListen: () => {} }, answer);
  } catch (cause) {
    const options = endpoints.map(({ option }) => option).join(" and ");
    throw new Error(
      `Nothing can listen on ${hostname} port ${port}: ${
        (cause as Error).message
      }; choose another ${options}`,
      { cause },
    );
  }
  await server.finished;
}
