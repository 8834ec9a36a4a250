/* trace.h: an opt-in record of what happens on connections. */
#ifndef SALLYPORT_TRACE_H
#define SALLYPORT_TRACE_H

#include <sallyport/error.h>
#include <sallyport/queue.h>
#include <sallyport/tls_config.h>

SALLY_BEGIN_DECLS

/*
 * Where the records of connections go. Every connection whose config has a trace tells it, step by
 * step, what happens: flights, alerts, decisions, resumption, changes of keys, the end. Records hold
 * names, numbers and sizes: no application data, no key, no ticket and no other content of a message,
 * though the peer's address and the statuses of errors. sdk/docs/trace.md lists them.
 *
 * It is bounded: a connection leaves `max_per_connection` records at most, of which the last is always
 * that of its end, and records that nobody has taken are `max_waiting` at most; what is beyond
 * that is dropped and counted. Connections wait for nobody who reads, and one without a trace pays a
 * branch where a record would be made.
 */
typedef struct sally_trace sally_trace;

/*
 * One record: plain data, immutable, which goes on being readable in a forked child. Text lives as
 * long as it does.
 */
typedef struct sally_trace_record sally_trace_record;

/* Kinds of record. More may come: pass over those that are not known. */
enum {
  SALLY_TRACE_CONNECT = 1,    /* a client resolved and connected; a listener accepted */
  SALLY_TRACE_STATE = 2,      /* "handshake" has begun, "established", or "failed" */
  SALLY_TRACE_FLIGHT = 3,     /* handshake messages in one direction, until the other side's turn */
  SALLY_TRACE_ALERT = 4,      /* an alert, but for close_notify */
  SALLY_TRACE_DECISION = 5,   /* a question was asked, or answered */
  SALLY_TRACE_RESUMPTION = 6, /* a session was offered, accepted, or refused */
  SALLY_TRACE_KEY_UPDATE = 7, /* a direction has new keys (TLS 1.3) */
  SALLY_TRACE_CLOSE = 8,      /* close_notify, in one direction */
  SALLY_TRACE_END = 9         /* the connection is over: its totals, and how many were dropped */
};

typedef struct sally_trace_options {
  uint32_t struct_size; /* sizeof(sally_trace_options) */
  uint32_t flags;       /* 0 */
  /*
   * Where each record goes, as an event of kind SALLY_EVENT_TRACE that the taker owns; copied. A queue
   * has them at once, on whatever thread they arise, and counts them in sally_queue_pending while they
   * wait. A function is called on one loop of the default runtime, one record after the other. Records
   * of one connection come in their order. Its `free_user` is called when the trace has gone.
   */
  const sally_completion *destination;
  uint32_t max_waiting;        /* records that nobody has taken; default 4096, at most 1000000 */
  uint32_t max_per_connection; /* default 256; 2 to 1000000 */
} sally_trace_options;

/*
 * sally_trace_create makes a trace, for any number of configs.
 *
 * SALLY_INVALID_ARGUMENT: no destination, a flag that is not known, a limit that is out of bounds.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_trace_create(const sally_trace_options *options,
                                                             sally_trace **trace,
                                                             sally_error **error);

/*
 * sally_trace_dropped counts the records that were dropped: because too many were waiting, the
 * connection had left as many as it may, or the queue was closed. 0 for a NULL or inherited handle.
 */
SALLY_API uint64_t sally_trace_dropped(const sally_trace *trace);

/* sally_trace_retain adds a reference and returns its argument. */
SALLY_API sally_trace *sally_trace_retain(sally_trace *trace);

/* Connections that are traced, and configs, keep it. Records that wait can still be taken. */
SALLY_API void sally_trace_release(sally_trace *trace);

/*
 * sally_tls_config_set_trace has every connection of this config traced, from the next one on, which
 * freezes it. A client that a host (sally_tls_config_add_host) or a decision's config serves is traced
 * by the config that it first came to. The config keeps a reference.
 *
 * SALLY_INVALID_STATE: the config is in use.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_trace(sally_tls_config *config,
                                                                     sally_trace *trace,
                                                                     sally_error **error);

/* sally_trace_record_kind is a SALLY_TRACE_*; 0 for a NULL handle. */
SALLY_API int32_t sally_trace_record_kind(const sally_trace_record *record);

/* sally_trace_record_side is SALLY_ROLE_CLIENT or SALLY_ROLE_SERVER: this side; 0 for NULL. */
SALLY_API int32_t sally_trace_record_side(const sally_trace_record *record);

/*
 * sally_trace_record_connection is the number of the connection among those of its trace, from 1 on;
 * 0 for NULL.
 */
SALLY_API uint64_t sally_trace_record_connection(const sally_trace_record *record);

/*
 * sally_trace_record_time_us is when it happened, in microseconds on the monotonic clock after the
 * connection began: a client began to resolve, a listener accepted, an upgrade started. A flight has
 * the time of its first message. Never less than that of the record before; 0 for NULL.
 */
SALLY_API int64_t sally_trace_record_time_us(const sally_trace_record *record);

/*
 * sally_trace_record_correlation_id is the same on both sides, and that of errors and of the stream
 * information; "" where no hello was seen, and for NULL.
 */
SALLY_API const char *sally_trace_record_correlation_id(const sally_trace_record *record);

/* sally_trace_record_text is all of it as a line in English for people; "" for NULL. */
SALLY_API const char *sally_trace_record_text(const sally_trace_record *record);

/*
 * sally_trace_record_json is all of it as one JSON object on one line, as sdk/docs/trace.md and
 * sdk/docs/trace.schema.json describe it; "" for NULL.
 */
SALLY_API const char *sally_trace_record_json(const sally_trace_record *record);

/* sally_trace_record_retain adds a reference and returns its argument. */
SALLY_API sally_trace_record *sally_trace_record_retain(sally_trace_record *record);
SALLY_API void sally_trace_record_release(sally_trace_record *record);

SALLY_END_DECLS

#endif /* SALLYPORT_TRACE_H */
