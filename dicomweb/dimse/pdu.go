package dimse

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Protocol data units.
// https://dicom.nema.org/medical/dicom/current/output/html/part08.html#sect_9.3

// pduType is the first byte of a PDU.
type pduType byte

const (
	associateRQ pduType = 1 + iota
	associateAC
	associateRJ
	dataTF
	releaseRQ
	releaseRP
	abortPDU
)

// Lengths of PDUs.
const (
	headerLength   = 6
	maxAssociate   = 1 << 20   // of what opens an association
	defaultMaxData = 128 << 10 // of a P-DATA-TF that we take
	minMaxData     = 1 << 10   // what a peer must take at least for us to send to it
)

// Fault is a breach of the protocol by the other side; the association is
// aborted with its Reason (PS3.8 table 9-26).
type Fault struct {
	Reason byte
	Text   string
}

func (f *Fault) Error() string { return "dimse: " + f.Text }

// Reasons of A-ABORT by the provider.
const (
	unrecognizedPDU  = 1
	unexpectedPDU    = 2
	invalidParameter = 6
)

func breach(reason byte, format string, args ...any) error {
	return &Fault{reason, fmt.Sprintf(format, args...)}
}

// readHeader reads type and length of a PDU and judges the length before a
// byte of the body is kept.
func readHeader(r io.Reader, maxData int) (pduType, int, error) {
	var h [headerLength]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, 0, err
	}
	t, n := pduType(h[0]), binary.BigEndian.Uint32(h[2:])
	limit := uint32(4)
	switch t {
	case associateRQ, associateAC:
		limit = maxAssociate
	case dataTF:
		limit = uint32(maxData)
	case associateRJ, releaseRQ, releaseRP, abortPDU:
	default:
		return t, 0, breach(unrecognizedPDU, "a PDU of type %#02x", h[0])
	}
	if n > limit {
		return t, 0, breach(invalidParameter, "a PDU of type %d with %d bytes, more than %d", t, n, limit)
	}
	return t, int(n), nil
}

// appendPDU appends a PDU.
func appendPDU(dst []byte, t pduType, body []byte) []byte {
	dst = append(dst, byte(t), 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	return append(dst, body...)
}

// pdv is one presentation data value: a piece of a message.
type pdv struct {
	context byte
	command bool
	last    bool
	data    []byte
}

// nextPDV cuts the first item off the body of a P-DATA-TF.
func nextPDV(body []byte) (v pdv, rest []byte, err error) {
	if len(body) < 6 {
		return v, nil, breach(invalidParameter, "a P-DATA-TF that ends inside an item")
	}
	n := binary.BigEndian.Uint32(body)
	if n < 2 || int64(n) > int64(len(body)-4) {
		return v, nil, breach(invalidParameter, "an item of %d bytes in a P-DATA-TF of %d", n, len(body))
	}
	v = pdv{context: body[4], command: body[5]&1 != 0, last: body[5]&2 != 0, data: body[6 : 4+n]}
	return v, body[4+n:], nil
}
