/* bytes.h: text or bytes that the library hands out and that outlive the object they came from. */
#ifndef SALLYPORT_BYTES_H
#define SALLYPORT_BYTES_H

#include <sallyport/base.h>

SALLY_BEGIN_DECLS

/* Immutable and reference-counted; any number of threads may read it. */
typedef struct sally_bytes sally_bytes;

/*
 * sally_bytes_data points to the bytes, which live as long as the handle. A NUL follows the last
 * byte and is not counted, so text can be used as a C string. NULL for a NULL handle.
 */
SALLY_API const void *sally_bytes_data(const sally_bytes *bytes);

/* sally_bytes_size counts the bytes; 0 for a NULL handle. */
SALLY_API size_t sally_bytes_size(const sally_bytes *bytes);

/* sally_bytes_retain adds a reference and returns its argument. */
SALLY_API sally_bytes *sally_bytes_retain(sally_bytes *bytes);
SALLY_API void sally_bytes_release(sally_bytes *bytes);

SALLY_END_DECLS

#endif /* SALLYPORT_BYTES_H */
