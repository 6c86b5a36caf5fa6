// What code does with thread-local variables where exceptions are handled.  Marks as in accesses.c.
#include "accesses.h"

static __thread struct item *item;
static __thread int count;

struct thing {
    explicit thing(long number);
    ~thing();
    long number;
};

void throws(int number);
void gives(struct item *given);

// The address stays in a register for all of the function; what is destroyed in the handler is something else.
long push(int flag) {
    if (flag && !item)                                 /* tls: item read-checked? */
        item = (struct item *) new thing(7);           /* tls: item write */
    throws(1);
    gives(item);                                       /* tls: item read-passed */
    return item->number;                               /* tls: item read-dereferenced|read-passed */
}

long catches(int number) {
    try {
        throws(number);
    } catch (...) {
        item = nullptr;                                /* tls: item write */
        return 0;
    }
    return item->number;                               /* tls: item read-dereferenced */
}

long cleans_up(int number) {
    thing first(number);
    item = (struct item *) &first;                     /* tls: item write */
    throws(number);
    count += number;                                   /* tls: count write */
    item = nullptr;                                    /* tls: item write */
    return first.number;
}

long nested(int number) {
    thing first(number);
    try {
        thing second(number);
        throws(number);
    } catch (int) {
        count = 3;                                     /* tls: count write */
        throws(4);
    }
    return item->number;                               /* tls: item read-dereferenced */
}
