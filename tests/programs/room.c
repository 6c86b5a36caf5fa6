/* A library whose code needs static TLS: SIZE bytes of it, aligned to ALIGNED. */
#ifndef ALIGNED
#define ALIGNED 1
#endif

__attribute__((tls_model("initial-exec"), aligned(ALIGNED))) __thread char NAME[SIZE];

char *touch(void);

char *touch(void) {
    return NAME;
}
