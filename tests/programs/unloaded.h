// What unloaded.cc and unloaded_library.cc have in common.
#ifndef UNLOADED_H
#define UNLOADED_H

struct Worker {
    virtual ~Worker();
    virtual int work();
    long number = 5;
};

#endif
