/* A library with keys of its own, and with functions for keys of others. */
#include "key_owners.h"

#include <stdlib.h>

pthread_key_t owners_shared;
static pthread_key_t hidden;

pthread_key_t owners_hidden(void) {
    return hidden;
}

void owners_make(void) {
    pthread_key_create(&owners_shared, free);
    pthread_key_create(&hidden, NULL);
}

void owners_use(void *value) {
    pthread_setspecific(owners_shared, value ? malloc(1) : NULL);
    if (!pthread_getspecific(hidden))
        pthread_setspecific(hidden, value);
}

static pthread_key_t *number_of(struct lazy *lazy) {
    if (!__atomic_load_n(&lazy->number, __ATOMIC_ACQUIRE)) {
        pthread_key_t *made = malloc(sizeof *made);
        if (pthread_key_create(made, NULL) != 0)
            abort();
        __atomic_store_n(&lazy->number, made, __ATOMIC_RELEASE);
    }
    return lazy->number;
}

void *owners_lazy_get(struct lazy *lazy) {
    return pthread_getspecific(*number_of(lazy));
}

void owners_lazy_set(struct lazy *lazy, void *value) {
    pthread_setspecific(*number_of(lazy), value);
}
