// What circumstances.cc asks of its library.
#ifndef CIRCUMSTANCES_HH
#define CIRCUMSTANCES_HH

void circumstances_keep(void *object, long *value); // for this thread
long *circumstances_find(void *object);             // null for what was not kept
void circumstances_start(int threads);              // threads of the library's own, which wait
void circumstances_use();                           // needs to be called in one of these

#endif
