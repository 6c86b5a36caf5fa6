/* What the library of key_owners.cc has. */
#ifndef KEY_OWNERS_H
#define KEY_OWNERS_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A number behind a pointer, as GLib's GPrivate keeps it: the key is made when it is first used. */
struct lazy {
    pthread_key_t *number;
};

/* Of the library: one that the loader finds by name, and one that nobody sees. */
extern pthread_key_t owners_shared;
pthread_key_t owners_hidden(void);
void owners_make(void);
void owners_use(void *value);

/* For keys that others have. */
void *owners_lazy_get(struct lazy *lazy);
void owners_lazy_set(struct lazy *lazy, void *value);

#ifdef __cplusplus
}
#endif
#endif
