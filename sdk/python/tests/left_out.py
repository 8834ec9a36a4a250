"""The functions of the headers that no wrapper uses, each with the reason."""

COUNTED = "Python counts references itself; one reference a Python object is enough"
IN_JSON = "an exception is made of sally_error_json, which has it"
WAITS = "cannot be ended by Ctrl-C: blocking calls attempt and wait in slices, or use the asynchronous form and a queue"
LENDS = "lends memory to the library across calls; streams wait for readiness and attempt instead"
BUFFERED = "streams buffer on Python's side, so that a cancelled task or a time-out loses no bytes"

LEFT_OUT = {
    **dict.fromkeys((f"sally_{kind}_retain" for kind in (
        "bytes", "credential", "decision", "listener", "operation", "queue", "runtime", "stream", "stream_info",
        "ticket_keys", "tls_config", "trace", "trace_record", "trust_store", "verdict")), COUNTED),
    **dict.fromkeys((f"sally_error_{fact}" for fact in (
        "alert", "alert_direction", "cause", "depth", "fault_count", "fault_depth", "fault_is_ignored",
        "fault_message", "fault_status", "fault_subject", "hint", "layer", "message", "native_code", "native_domain",
        "text")), IN_JSON),
    **dict.fromkeys((f"sally_stream_{name}" for name in ("connect", "upgrade")), WAITS),
    **dict.fromkeys((f"sally_stream_{name}" for name in (
        "read_some_async", "write_async", "writev_async")), LENDS),
    **dict.fromkeys((f"sally_stream_{name}" for name in (
        "read_exactly", "read_exactly_async", "read_until", "read_until_async")), BUFFERED),
    "sally_stream_writev": "joining parts costs less than describing each to C",
    "sally_stream_wait_async": "an event loop watches sally_stream_fd, and a thread calls sally_stream_wait",
    "sally_stream_flush_async": "flushing attempts, and waits for readiness like a write",
    "sally_tls_config_set_clock": "would call into Python on the library's threads, within handshakes; "
                                  "set_verification_time and verify(time=) are for tests",
    "sally_decision_verdict": "the verdict is sally_decision_verdict_error, whose status it is",
    "sally_runtime_fd": "event loops watch the descriptors of streams and queues; a thread runs a runtime without threads",
    "sally_queue_close": "nothing is lent, so that the last release of a queue is its end",
}
