/* libaccess_user.so: uses another library's variable by its name.  Marks as in access.c. */
#include "access.h"

long access_user_use(void) {
    return access_shared->length; /* access: access_shared unchecked */
}
