/* A library that leaves a key behind whose destructor goes with it, and a function that is registered as another one. */
#include <pthread.h>

typedef void destructor(void *);

pthread_key_t *make_key(pthread_key_t *key);
destructor *give_destructor(void);

static void end_gone(void *value) {
    (void)value;
}

pthread_key_t *make_key(pthread_key_t *key) {
    return pthread_key_create(key, end_gone) == 0 ? key : 0;
}

destructor *give_destructor(void) {
    return end_gone;
}
