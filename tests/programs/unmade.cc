// A thread crashes on an object that no constructor has made there: unmade_c.c, which is C, reads it as it is. Other threads
// have it from the functions here, which construct it first. Built without truth: the crash is all there is to say.
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

struct Table {
    int *volatile entries;
    Table() : entries(new int[4]()) {}
};

thread_local Table table;
extern "C" int peek(void);

static sem_t is_ready;

static void *work(void *crashes) {
    if (crashes)
        return reinterpret_cast<void *>(static_cast<long>(peek()));
    table.entries[1]++;
    sem_post(&is_ready);
    pause();
    return nullptr;
}

int main() {
    pthread_t thread;
    sem_init(&is_ready, 0, 0);
    table.entries[1]++;
    pthread_create(&thread, nullptr, work, nullptr);
    sem_wait(&is_ready);
    pthread_create(&thread, nullptr, work, &is_ready);
    pause();
}
