package pixel

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with pixels; errors of this package wrap one of these.
var (
	ErrUnsupported = errors.New("not supported")
	ErrMalformed   = errors.New("malformed")
	ErrTooLarge    = errors.New("too large")
)

func unsupported(format string, args ...any) error {
	return fmt.Errorf("pixel: %w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("pixel: %w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

var errShort = malformed("the stream ends before the frame does")

// fault tells what another package found under one of the errors of this one.
func fault(kind, err error) error {
	return fmt.Errorf("pixel: %w: JPEG 2000: %s", kind, strings.TrimPrefix(err.Error(), kind.Error()+": "))
}
