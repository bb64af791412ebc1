// SPDX-License-Identifier: Apache-2.0

/** What probes are told. */
export interface Health {
  /** True once everything that was read is in the kernel. */
  readonly isReady: boolean;
}

/**
 * Answers probes by the paths that Kubernetes' own programs have: /livez with 200 as long as the process
 * answers, /readyz with 200 or 503.
 */
export function answerHealth(path: string, health: Health): Response | undefined {
  switch (path) {
    case "/livez":
      return new Response("ok\n");
    case "/readyz":
      return health.isReady
        ? new Response("ok\n")
        : new Response("what was read is not in the kernel yet\n", { status: 503 });
    default:
      return undefined;
  }
}
