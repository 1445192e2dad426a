package webauthn

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// deepest bounds how CBOR may be nested; CTAP2 allows four levels.
const deepest = 6

var errCBOR = errors.New("the CBOR is cut, nested too deep, or not in the form that authenticators write")

// decode reads one item of CBOR and tells what follows it: int64, []byte, string,
// bool, nil, []any or map[any]any with keys of int64 and string. Lengths are
// definite, as CTAP2 demands; nothing is allocated from a declared one.
// https://www.rfc-editor.org/rfc/rfc8949
func decode(b []byte, depth int) (item any, rest []byte, err error) {
	if len(b) == 0 || depth > deepest {
		return nil, nil, errCBOR
	}
	major, low := b[0]>>5, b[0]&0x1f
	if major == 7 {
		return simple(low, b[1:])
	}
	n, b, err := argument(low, b[1:])
	if err != nil {
		return nil, nil, err
	}
	switch major {
	case 0:
		return n, b, nil
	case 1:
		return -1 - n, b, nil
	case 2, 3:
		if n > int64(len(b)) {
			return nil, nil, errCBOR
		}
		if major == 2 {
			return b[:n:n], b[n:], nil
		}
		if !utf8.Valid(b[:n]) {
			return nil, nil, errCBOR
		}
		return string(b[:n]), b[n:], nil
	case 4:
		return list(n, b, depth)
	case 5:
		return mapping(n, b, depth)
	}
	return nil, nil, errCBOR // tags
}

func simple(low byte, rest []byte) (any, []byte, error) {
	switch low {
	case 20, 21:
		return low == 21, rest, nil
	case 22:
		return nil, rest, nil
	}
	return nil, nil, errCBOR // floating point numbers, undefined, the end of what is indefinite
}

// argument is the number after the first byte, below 2^63, in its shortest form.
func argument(low byte, b []byte) (int64, []byte, error) {
	if low < 24 {
		return int64(low), b, nil
	}
	width := 1 << (low - 24)
	if low > 27 || len(b) < width {
		return 0, nil, errCBOR
	}
	var wide [8]byte
	copy(wide[8-width:], b[:width])
	n := binary.BigEndian.Uint64(wide[:])
	if n > math.MaxInt64 || low == 24 && n < 24 || low > 24 && n < 1<<(4*width) {
		return 0, nil, errCBOR
	}
	return int64(n), b[width:], nil //nolint:gosec // judged above
}

func list(n int64, b []byte, depth int) (any, []byte, error) {
	var items []any
	for range n {
		item, rest, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		items, b = append(items, item), rest
	}
	return items, b, nil
}

func mapping(n int64, b []byte, depth int) (any, []byte, error) {
	items := map[any]any{}
	for range n {
		key, rest, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		switch key.(type) {
		case int64, string:
		default:
			return nil, nil, errCBOR
		}
		if _, twice := items[key]; twice {
			return nil, nil, errCBOR
		}
		if items[key], b, err = decode(rest, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return items, b, nil
}
