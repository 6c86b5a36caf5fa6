/* What libaccess.so and its users share; see access.c. */
#ifndef ACCESS_H
#define ACCESS_H

#include "truth.h"

extern __thread struct buffer *access_shared;

struct buffer *access_make(void);
void access_keep(void *given);

void access_start(void);
void access_stop(void);
long access_use(void);
long access_check(void);
void access_give(void);
void access_share(struct buffer *buffer);
void access_fill(long number);
void access_set(int at, struct buffer *buffer);
void access_clear(void);
struct buffer *access_get(int at);
void access_wait(void) __attribute__((noreturn));
void access_describe(void);
long access_user_use(void);
#endif
