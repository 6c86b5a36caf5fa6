/* Sixty-two thread-local variables: one that every thread sets, one that only thread 0 sets, sixty for the picture. */

#include <stddef.h>

__thread void *bench_own;
__thread void *bench_main_only;

#define SLOT(n) __thread void *bench_slot_##n;
#define TEN(n) SLOT(n##0) SLOT(n##1) SLOT(n##2) SLOT(n##3) SLOT(n##4) SLOT(n##5) SLOT(n##6) SLOT(n##7) SLOT(n##8) SLOT(n##9)
TEN(0) TEN(1) TEN(2) TEN(3) TEN(4) TEN(5)

void **bench_touch(int index)
{
    bench_own = &bench_own;
    if (index == 0)
        bench_main_only = &bench_own;
    bench_slot_00 = &bench_own;
    /* Of half of the threads, in no order (Knuth's multiplicative hash). */
    bench_slot_59 = (index * 2654435761u >> 16) % 2 ? &bench_own : NULL;
    return &bench_own;
}
