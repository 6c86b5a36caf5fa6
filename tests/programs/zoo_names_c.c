/* The same in C: `__thread`, `_Thread_local`, and a variable within a function. */
#include "truth.h"

__thread long c_global = 1;
static _Thread_local const void *c_hidden;

static int *__attribute__((noinline)) next_ticket(void) {
    static __thread int ticket = 100;
    return &ticket;
}

void describe_names_c(int number);

void describe_names_c(int number) {
    c_global += number;
    c_hidden = number == 1 ? &c_global : 0;
    *next_ticket() += number;
    truth_number((struct truth_name){"c_global", "c_global", "zoo"}, &c_global, "%ld", c_global);
    truth_pointer((struct truth_name){"c_hidden", "c_hidden", "zoo"}, &c_hidden, "");
    truth_number((struct truth_name){"next_ticket::ticket", "ticket.0", "zoo"}, next_ticket(), "%d",
                 *next_ticket());
}
