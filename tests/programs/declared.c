// Variables of one name in two files and two functions; each thread says what it has of them.  Then it aborts.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct connection { int socket; };
static __thread volatile long level = 5;
static __thread struct connection *volatile connected;
long other(long number, volatile long **calls);

__attribute__((noinline)) static volatile long *visit(long number) {
  static __thread volatile long calls = 40;
  static struct connection first;
  calls += number;
  level = 100 + number;
  if (number != 2) connected = &first;
  return &calls;
}

static pthread_barrier_t all_have_said;

static void *work(void *argument) {
  long number = (long) argument;
  volatile long *calls = visit(number), *others;
  long theirs = other(number, &others);
  printf("truth %ld %ld %ld %ld %ld\n", (long) syscall(SYS_gettid), level, *calls, theirs, *others);
  fflush(stdout);
  pthread_barrier_wait(&all_have_said);
  if (number == 9) abort();
  pause();
  return NULL;
}

int main(void) {
  pthread_t thread;
  pthread_barrier_init(&all_have_said, NULL, 4);
  for (long number = 1; number < 4; number++) pthread_create(&thread, NULL, work, (void *) number);
  work((void *) 9);
}
