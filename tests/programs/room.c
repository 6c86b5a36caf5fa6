/* A library whose code needs static TLS: SIZE bytes of it, aligned to ALIGNED.
 *
 *   ONLY_CALLS   it has no thread-local storage of its own; what it is linked with may need some
 *   DYNAMIC      its own code could do without static TLS
 *   BORROWS      its code needs that of DYNAMIC's variable to be static
 */
#ifndef ALIGNED
#define ALIGNED 1
#endif
#define INITIAL_EXEC __attribute__((tls_model("initial-exec"), aligned(ALIGNED)))

char *touch(void);

#ifdef ONLY_CALLS
char *touch(void) {
    static char own[SIZE];
    return own;
}
#else
#ifdef BORROWS
INITIAL_EXEC extern __thread char room_lent[SIZE];
#undef NAME
#define NAME room_lent
#elif defined DYNAMIC
__thread char NAME[SIZE];
#else
INITIAL_EXEC __thread char NAME[SIZE];
#endif

char *touch(void) {
    return NAME;
}
#endif
