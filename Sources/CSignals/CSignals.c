#include "CSignals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static int ends[2];
static void (*on_end)(int);

// A pipe takes the number out of the handler, in which hardly anything may be called.
static void note(int number) {
  int error = errno;
  unsigned char byte = (unsigned char)number;
  if (write(ends[1], &byte, 1) != 1) _exit(128 + number);
  errno = error;
}

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

// Takes the signals itself, because whoever started the process may have left them blocked.
static void *wait_for_note(void *unused) {
  (void)unused;
  unsigned char byte;
  sigset_t taken;
  sigemptyset(&taken);
  for (int i = 0; i < NUMBERS; i++) sigaddset(&taken, numbers[i]);
  pthread_sigmask(SIG_UNBLOCK, &taken, NULL);
  while (read(ends[0], &byte, 1) != 1) {
    if (errno != EINTR) return NULL;
  }
  on_end(byte);
  return NULL;
}

static void handle(int number) {
  struct sigaction old, action = {0};
  if (sigaction(number, NULL, &old) != 0 || old.sa_handler == SIG_IGN) return;
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, NULL);
}

int signals_on_end(void (*body)(int number)) {
  pthread_t thread;
  on_end = body;
  if (pipe(ends) != 0) return -1;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  for (int i = 0; i < NUMBERS; i++) handle(numbers[i]);
  if (pthread_create(&thread, NULL, wait_for_note, NULL) != 0) return -1;
  pthread_detach(thread);
  return 0;
}
