/* waist.h: what Go asks for in one step, since each step from Go into C costs. Nothing here keeps a pointer. */
#ifndef SALLYPORT_GO_WAIST_H
#define SALLYPORT_GO_WAIST_H

#include <sallyport/sallyport.h>
#include <stdlib.h>

static inline sally_completion waist_to(sally_queue *queue, uint64_t tag) {
  sally_completion completion = {sizeof completion, 0, tag, queue, NULL, NULL, NULL};
  return completion;
}

/* Where questions go; the queue tells, too, when the last has come. */
static inline sally_completion waist_decisions(sally_queue *queue, uint64_t tag) {
  sally_completion completion = waist_to(queue, tag);
  completion.flags = SALLY_COMPLETION_TELL_END;
  return completion;
}

/* Records go where completions do. */
static inline sally_status waist_trace(sally_queue *queue, uint64_t tag, uint32_t max_waiting,
                                       uint32_t max_per_connection, sally_trace **trace,
                                       sally_error **error) {
  const sally_completion destination = waist_to(queue, tag);
  const sally_trace_options options = {sizeof options, 0, &destination, max_waiting,
                                       max_per_connection};
  return sally_trace_create(&options, trace, error);
}

typedef struct waist_moved {
  size_t size;
  sally_error *error; /* of a failure that is final */
  sally_status status;
  int32_t across; /* where it would block, 1: for the other direction */
} waist_moved;

/* An error object is made only for a failure that is final, which the second attempt meets again. */
static inline int waist_is_final(sally_status status) {
  return status != SALLY_OK && status != SALLY_WOULD_BLOCK && status != SALLY_END_OF_STREAM;
}

/* What an attempt that would block waits for. Nothing to watch: another attempt tells why. */
static inline int waist_blocks(waist_moved *moved, sally_stream *stream, uint32_t direction) {
  if (moved->status != SALLY_WOULD_BLOCK) return 0;
  uint32_t interest = sally_stream_fd_interest(stream, direction);
  moved->across = interest != direction;
  sally_error_release(moved->error);
  moved->error = NULL;
  return interest == 0;
}

static inline waist_moved waist_read(sally_stream *stream, void *buffer, size_t capacity) {
  waist_moved moved = {0, NULL, SALLY_OK, 0};
  do {
    moved.status = sally_stream_read_some(stream, buffer, capacity, &moved.size,
                                          SALLY_TIMEOUT_ATTEMPT, NULL);
    if (waist_is_final(moved.status))
      moved.status = sally_stream_read_some(stream, buffer, capacity, &moved.size,
                                            SALLY_TIMEOUT_ATTEMPT, &moved.error);
  } while (waist_blocks(&moved, stream, SALLY_DIRECTION_READ));
  return moved;
}

/* What is left the library sends by itself; what keeps it from being sent the next write tells. */
static inline void waist_send_rest(sally_stream *stream) {
  sally_status status = sally_stream_flush(stream, SALLY_TIMEOUT_ATTEMPT, NULL);
  (void)status;
}

/*
 * A large write is said to have more behind it until its end: what the system does not take at once
 * would be sent by the library's event loop otherwise, a race with the caller who waits to go on.
 * cgo looks at all of an object that a void pointer leads into: the buffer may be a part of one that
 * refers to more, so it goes as what it is, bytes.
 */
static inline waist_moved waist_write(sally_stream *stream, const uint8_t *data, size_t size,
                                      uint32_t flags, int32_t large) {
  waist_moved moved = {0, NULL, SALLY_OK, 0};
  const uint32_t all_flags = large != 0 ? flags | SALLY_MORE : flags;
  size_t more = 0;
  do {
    moved.status = sally_stream_write(stream, data + moved.size, size - moved.size, all_flags,
                                      &more, SALLY_TIMEOUT_ATTEMPT, NULL);
    moved.size += more;
    if (waist_is_final(moved.status)) {
      moved.status = sally_stream_write(stream, data + moved.size, size - moved.size, all_flags,
                                        &more, SALLY_TIMEOUT_ATTEMPT, &moved.error);
      moved.size += more;
    }
  } while (waist_blocks(&moved, stream, SALLY_DIRECTION_WRITE));
  if (moved.status == SALLY_OK && all_flags != flags) waist_send_rest(stream);
  return moved;
}

/* Waits for nothing: what was taken leaves still, if need be in the background. */
static inline void waist_close(sally_stream *stream) {
  sally_status status = sally_stream_close(stream, SALLY_TIMEOUT_ATTEMPT, NULL);
  (void)status;
}

#endif /* SALLYPORT_GO_WAIST_H */
