// A thread that crashes while it ends: the destructor of `user` uses `owner`, which was destroyed before. Another thread
// has both. Built without truth: the crash is all there is to say.
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

struct Data {
    volatile int value = 1;
};

struct Owner {
    Data *volatile data = nullptr; // or the compiler leaves out what a destructor writes last
    Owner() {}
    ~Owner() {
        delete data;
        data = nullptr;
    }
};

extern thread_local Owner owner;

struct User {
    bool used = false;
    User() {}
    ~User() {
        if (used)
            owner.data->value = 2;
    }
};

thread_local User user;
thread_local Owner owner;

static sem_t is_ready;

static void *work(void *ends) {
    user.used = true; // made first, so destroyed last
    owner.data = new Data;
    if (ends)
        return nullptr;
    sem_post(&is_ready);
    pause();
    return nullptr;
}

int main() {
    pthread_t thread;
    sem_init(&is_ready, 0, 0);
    pthread_create(&thread, nullptr, work, nullptr);
    sem_wait(&is_ready);
    pthread_create(&thread, nullptr, work, &is_ready);
    pause();
}
