package sallyport

// HoldEvents keeps all that the library tells from being heard until it is let go on.
func HoldEvents() (goOn func()) {
	e, err := sharedEngine()
	if err != nil {
		panic(err)
	}
	e.mutex.Lock()
	return e.mutex.Unlock
}

// WaitingRecords counts those that nobody has taken yet.
func WaitingRecords(t *Trace) int { return len(t.inbox.records) }
