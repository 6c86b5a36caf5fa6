/* A small library with two thread-local variables, built many times under other names and in other ways.
 *
 * BUFFER  the exported one, in .tbss
 * COUNT   the one in .tdata, seen in this file only, unless LINKAGE is empty
 */
#include "truth.h"

#ifndef LINKAGE
#define LINKAGE static
#endif

#ifdef PADDING
/* More than glibc keeps free in static TLS. */
static __thread volatile char padding[PADDING];
#endif

__thread struct buffer *BUFFER;
LINKAGE __thread int COUNT = 7;

struct slots touch(void);

struct slots touch(void) {
#ifdef PADDING
    padding[0] = 1;
#endif
    struct slots slots = {&BUFFER, &COUNT};
    return slots;
}
