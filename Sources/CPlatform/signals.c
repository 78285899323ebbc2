#include "signals.h"

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

// An end of the pipe on one of the numbers 0 to 2, which whoever started the process may have closed, would
// be taken for a standard stream: what is printed would be read as signals.
static int raise_above_standard(int end) {
  int raised = fcntl(ends[end], F_DUPFD_CLOEXEC, 3);
  if (raised < 0) return -1;
  close(ends[end]);
  ends[end] = raised;
  return 0;
}

int signals_on_end(void (*body)(int number)) {
  pthread_t thread;
  on_end = body;
  if (pipe(ends) != 0 || raise_above_standard(0) != 0 || raise_above_standard(1) != 0) return -1;
  for (int i = 0; i < NUMBERS; i++) handle(numbers[i]);
  if (pthread_create(&thread, NULL, wait_for_note, NULL) != 0) return -1;
  pthread_detach(thread);
  return 0;
}
