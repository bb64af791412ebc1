// SPDX-License-Identifier: Apache-2.0

/** Where health is told. */
export interface HealthAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What is told. */
export interface Health {
  /** True once everything that was read is in the kernel. */
  readonly isReady: boolean;
}

/** Reads "127.0.0.1:9441" or "[::1]:9441"; undefined when it is neither that nor a name with a port. */
export function parseHealthAddress(text: string): HealthAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const hostname = bracketed ?? plain;
  const port = Number(digits);
  return hostname === undefined || port < 1 || port > 65535 ? undefined : { hostname, port };
}

/**
 * Answers probes until the signal, by the paths that Kubernetes' own programs
 * have: /livez with 200 as long as the process answers, /readyz with 200 or 503.
 * Throws when nothing can listen there.
 */
export async function serveHealth(
  { hostname, port }: HealthAddress,
  health: Health,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let server;
  try {
    server = Deno.serve({ hostname, port, signal, onListen: () => {} }, (request) => answer(request, health));
  } catch (cause) {
    throw new Error(
      `Health cannot be told on ${hostname} port ${port}: ${
        (cause as Error).message
      }; choose another --health`,
      { cause },
    );
  }
  await server.finished;
}

function answer(request: Request, health: Health): Response {
  switch (new URL(request.url).pathname) {
    case "/livez":
      return new Response("ok\n");
    case "/readyz":
      return health.isReady
        ? new Response("ok\n")
        : new Response("what was read is not in the kernel yet\n", { status: 503 });
    default:
      return new Response("no such path\n", { status: 404 });
  }
}
