// Its own definitions of the header's inline variables lose to the program's: its code uses those.
#include "meant.h"

extern "C" long *NAME(long add) {
    meant_in_header += 1;
    meant_anonymous = nullptr;
    Holder<long>::held = &meant_depth;
    meant_depth += add;
    return &meant_depth;
}
