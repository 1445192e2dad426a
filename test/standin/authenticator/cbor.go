package authenticator

import "encoding/binary"

// What an authenticator writes of CBOR (RFC 8949), in its canonical form.

// Int is a number.
func Int(n int64) []byte {
	if n < 0 {
		return head(1, uint64(-1-n)) //nolint:gosec // not negative
	}
	return head(0, uint64(n))
}

// Bytes is a byte string.
func Bytes(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }

// Text is a text string.
func Text(s string) []byte { return append(head(3, uint64(len(s))), s...) }

// Map is a map of keys and values in turn.
func Map(items ...[]byte) []byte {
	b := head(5, uint64(len(items)/2))
	for _, item := range items {
		b = append(b, item...)
	}
	return b
}

func head(major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return []byte{major | byte(n)}
	case n < 1<<8:
		return []byte{major | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major | 27}, n)
}
