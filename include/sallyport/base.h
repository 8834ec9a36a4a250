/*
 * base.h: what every header of Sallyport shares. Linkage, attributes, time-outs, versioned structs.
 *
 * Rules of the whole C ABI:
 *
 * Handles are opaque and atomically reference-counted. `sally_x_retain` adds a reference,
 * `sally_x_release` gives one back; releasing NULL does nothing. A child keeps its parent alive.
 * Closing is not releasing: a closed handle stays valid and answers SALLY_CLOSED until its last
 * release. The last release never waits.
 *
 * Every function that can fail returns a `sally_status` and takes a last `sally_error **error`,
 * which may be NULL. On failure a new reference to an error is stored there, which the caller
 * releases; on success it is left alone. Other outputs are written on success only, except byte
 * counts, which always are. Outputs must not be NULL, but for `error` and `operation`. A handle that
 * is stored in an output is a new reference, for the caller to release; one that a getter returns is
 * borrowed, unless its comment says otherwise.
 *
 * A NULL handle or another bad argument is SALLY_INVALID_ARGUMENT. Getters that cannot fail answer
 * NULL, 0 or "" for a NULL handle, as each says.
 *
 * Text that goes in is UTF-8 and ends in NUL; names of hosts are ASCII, others in their xn-- form
 * (RFC 5890). Text that comes out belongs to its object and lives
 * as long as it does, or comes as a `sally_bytes`.
 *
 * A function may be called from any thread, unless its comment says otherwise.
 *
 * After fork(), every handle that the child inherited answers SALLY_FORKED; errors, bytes,
 * certificates, verdicts, trace records, the facts of decisions and stream information, which are
 * plain data, go on being readable. The child may release what it inherited, and make new handles of
 * its own.
 */
#ifndef SALLYPORT_BASE_H
#define SALLYPORT_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SALLY_API __attribute__((visibility("default")))
#define SALLY_CHECK_RESULT __attribute__((warn_unused_result))
#else
#define SALLY_API
#define SALLY_CHECK_RESULT
#endif

#ifdef __cplusplus
#define SALLY_BEGIN_DECLS extern "C" {
#define SALLY_END_DECLS }
#else
#define SALLY_BEGIN_DECLS
#define SALLY_END_DECLS
#endif

/*
 * Time. `timeout_ms` counts milliseconds on the monotonic clock. Zero is the default of the
 * operation: 30 s to connect, of which the handshake has 10 s; 10 s for another handshake or for a
 * decision; 5 s to close; and for ever for everything else. Every other negative value is
 * SALLY_INVALID_ARGUMENT.
 */
#define SALLY_TIMEOUT_DEFAULT ((int64_t)0)
#define SALLY_TIMEOUT_NEVER ((int64_t)-1)
/*
 * Do what can be done now, else answer SALLY_WOULD_BLOCK. Not to connect or to upgrade, and not in
 * functions that end in _async. An error object tells no more than that status: who attempts often
 * passes NULL for `error`, and spares its making.
 */
#define SALLY_TIMEOUT_ATTEMPT ((int64_t)-2)

/*
 * Option structs begin with `struct_size`, which the caller sets to sizeof the struct it was
 * compiled with. Zero means "default" in every member, so that `{sizeof(options)}` asks for all
 * defaults. A struct from an older header is filled up with zeroes; one from a newer header is
 * accepted as long as the members that this library does not know are zero, and is
 * SALLY_INVALID_ARGUMENT otherwise.
 */

#endif /* SALLYPORT_BASE_H */
