// Package errorsx has the interfaces that fosite's errors implement. Errors carry
// no stack here: ours are told by their hint.
package errorsx

import "errors"

// WithStack returns the error itself.
func WithStack(err error) error { return err }

// Cause is the innermost error.
func Cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// What an error may tell of itself.
type (
	StatusCodeCarrier interface{ StatusCode() int }
	StatusCarrier     interface{ Status() string }
	RequestIDCarrier  interface{ RequestID() string }
	ReasonCarrier     interface{ Reason() string }
	DebugCarrier      interface{ Debug() string }
	DetailsCarrier    interface{ Details() map[string]interface{} }
)
