// The other file of declared.c.
#include <stddef.h>

static __thread volatile long level = 6;

__attribute__((noinline)) static volatile long *go(long number) {
  static __thread volatile long calls = 50;
  calls += number;
  return &calls;
}

long other(long number, volatile long **calls) {
  *calls = go(number);
  level = 200 + number;
  return level;
}
