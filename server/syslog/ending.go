package syslog

import (
	"crypto/tls"
	"encoding/binary"
	"net"
)

// ending watches how the other side ends a connection. crypto/tls takes an end of the
// stream between two records for as good as a close_notify, which anybody on the way
// can make; so the records are looked at as they come.
type ending struct {
	net.Conn
	head []byte // of the record that is coming
	left int    // of its body
	kind byte   // of the last whole record
	size int
}

// Read passes on what came. https://www.rfc-editor.org/rfc/rfc8446#section-5.1
func (e *ending) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	e.follow(b[:n])
	return n, err
}

const recordHead = 5

func (e *ending) follow(b []byte) {
	for len(b) > 0 {
		if e.left == 0 {
			k := min(recordHead-len(e.head), len(b))
			e.head, b = append(e.head, b[:k]...), b[k:]
			if len(e.head) < recordHead {
				return
			}
			e.left = int(binary.BigEndian.Uint16(e.head[3:]))
		}
		k := min(e.left, len(b))
		e.left, b = e.left-k, b[k:]
		if e.left == 0 {
			e.kind, e.size, e.head = e.head[0], int(binary.BigEndian.Uint16(e.head[3:])), e.head[:0]
		}
	}
}

// The types of records, and the size of an alert under TLS 1.3, where it looks like
// data: two bytes, its type and a tag. Data is none here, since the reader had none.
const (
	recordAlert = 21
	recordData  = 23
	sealedAlert = 2 + 1 + 16
)

// orderly tells, once the stream has ended without an error, whether the last that
// came was an alert; one other than close_notify is an error of its own.
func (e *ending) orderly(version uint16) bool {
	if len(e.head) > 0 || e.left > 0 {
		return false
	}
	if version >= tls.VersionTLS13 {
		return e.kind == recordData && e.size == sealedAlert
	}
	return e.kind == recordAlert
}
