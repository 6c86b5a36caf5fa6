// A library with a table for each thread, behind a pthread key, and with threads of its own.
#include "circumstances.hh"

#include <map>
#include <pthread.h>
#include <unistd.h>

using Table = std::map<void *, long *>;

static pthread_key_t key;
__attribute__((constructor)) static void make() { pthread_key_create(&key, nullptr); }

static Table *table() { return static_cast<Table *>(pthread_getspecific(key)); }

void circumstances_keep(void *object, long *value) {
    if (!table())
        pthread_setspecific(key, new Table());
    (*table())[object] = value;
}

long *circumstances_find(void *object) {
    Table *known = table();
    if (!known)
        return nullptr;
    auto found = known->find(object);
    return found == known->end() ? nullptr : found->second;
}

thread_local long *attached; // a compiler may not know who else writes it
static volatile long sink;
static pthread_barrier_t ready;

static void *serve(void *) {
    attached = new long(1);
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
}

void circumstances_start(int threads) {
    pthread_barrier_init(&ready, nullptr, threads + 1);
    pthread_t thread;
    for (int i = 0; i < threads; i++)
        pthread_create(&thread, nullptr, serve, nullptr);
    pthread_barrier_wait(&ready);
}

__attribute__((noinline)) void circumstances_use() {
    sink = *attached;
    sink = sink + 1;
}
