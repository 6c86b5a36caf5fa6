/* Only variables: a file without code. */
#include "odd.h"

__thread int odd_declared;
