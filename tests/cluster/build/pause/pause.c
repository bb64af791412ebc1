// SPDX-License-Identifier: Apache-2.0

/* Process 1 of a node, and of every pod: holds the namespaces and reaps orphans. */

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, NULL);
  for (int received = 0;;) {
    if (sigwait(&awaited, &received) != 0 || received != SIGCHLD) return 0;
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
  }
}
