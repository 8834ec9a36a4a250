//go:build go1.21

package sallyport

import "log/slog"

// LogValue is the error as a group of attributes, for slog.
func (e *Error) LogValue() slog.Value {
	attributes := []slog.Attr{slog.String("status", e.Status.String()), slog.String("message", e.Message)}
	for _, field := range []struct{ name, text string }{
		{"op", e.Op}, {"phase", e.Phase}, {"address", e.Address}, {"source", e.Source}, {"subject", e.Subject},
		{"issuer", e.Issuer}, {"expected", e.Expected}, {"found", e.Found}, {"hint", e.Hint},
		{"correlation_id", e.CorrelationID},
	} {
		if field.text != "" {
			attributes = append(attributes, slog.String(field.name, field.text))
		}
	}
	if e.Alert != nil {
		attributes = append(attributes, slog.String("alert", e.Alert.Name), slog.String("alert_direction", e.Alert.Direction))
	}
	if e.underlying != nil {
		attributes = append(attributes, slog.String("because", e.underlying.Error()))
	} else if e.Cause != nil {
		attributes = append(attributes, slog.Any("cause", e.Cause))
	}
	return slog.GroupValue(attributes...)
}
