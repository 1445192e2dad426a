package jpeg2000

import (
	"errors"
	"fmt"
)

// What can be wrong with a codestream; errors of this package wrap one of these.
var (
	ErrUnsupported = errors.New("not supported")
	ErrMalformed   = errors.New("malformed")
	ErrTooLarge    = errors.New("too large")
)

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func tooLarge(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrTooLarge, fmt.Sprintf(format, args...))
}

var errShort = malformed("the stream ends before the picture does")
