// What causes.cc and its library share.
#ifndef CAUSES_HH
#define CAUSES_HH

#include "causes.h"

buffer *make();

extern thread_local buffer *wrapped; // with an initialiser that has to run: through a wrapper
inline thread_local buffer *inlined; // in both files; the program's is the one

void use_inlined();

#endif
