package dimse

import (
	"encoding/binary"
	"strings"

	"tenon/dicomweb/dicom"
)

// Command sets.
// https://dicom.nema.org/medical/dicom/current/output/html/part07.html#sect_E.1

// Command fields; a response has the high bit.
const (
	cStore       = 0x0001
	cGet         = 0x0010
	cFind        = 0x0020
	cMove        = 0x0021
	cEcho        = 0x0030
	nEventReport = 0x0100
	nAction      = 0x0130
	cCancel      = 0x0FFF
	response     = 0x8000
)

// Status codes (PS3.7 annex C, PS3.4).
const (
	statusSuccess       = 0x0000
	statusProcessing    = 0x0110
	statusNoObject      = 0x0112
	statusNoSuchClass   = 0x0118
	statusNotAuthorized = 0x0124
	statusUnrecognized  = 0x0211
	statusNoSuchAction  = 0x0123
	statusBadArgument   = 0x0115
	statusNoResources   = 0xA700
	statusNoCount       = 0xA701
	statusSubFailed     = 0xA702
	statusNoDestination = 0xA801
	statusNoMatch       = 0xA900 // identifier or data set does not match the SOP class
	statusSubWarning    = 0xB000
	statusUnreadable    = 0xC000
	statusCancelled     = 0xFE00
	statusPending       = 0xFF00
	statusPendingPart   = 0xFF01 // an optional key is not supported
)

const noDataSet = 0x0101

// Command is one command set, with the fields that the services here use.
type Command struct {
	Field       uint16
	ID          uint16 // Message ID
	Responded   uint16 // Message ID Being Responded To
	Class       string // Affected or Requested SOP Class UID
	Instance    string // Affected or Requested SOP Instance UID
	DataSet     bool   // a data set follows
	Status      uint16
	Comment     string // Error Comment
	Destination string // Move Destination
	Originator  string // Move Originator Application Entity Title
	OriginID    uint16 // Move Originator Message ID
	Kind        uint16 // Action Type ID or Event Type ID
	Counts      *Counts
}

// Counts are the sub-operations of C-MOVE and C-GET.
type Counts struct{ Remaining, Completed, Failed, Warned uint16 }

const (
	tagGroupLength dicom.Tag = 0x00000000
	tagAffected    dicom.Tag = 0x00000002
	tagRequested   dicom.Tag = 0x00000003
	tagField       dicom.Tag = 0x00000100
	tagID          dicom.Tag = 0x00000110
	tagResponded   dicom.Tag = 0x00000120
	tagDestination dicom.Tag = 0x00000600
	tagPriority    dicom.Tag = 0x00000700
	tagDataSet     dicom.Tag = 0x00000800
	tagStatus      dicom.Tag = 0x00000900
	tagComment     dicom.Tag = 0x00000902
	tagAffectedIn  dicom.Tag = 0x00001000
	tagRequestedIn dicom.Tag = 0x00001001
	tagEvent       dicom.Tag = 0x00001002
	tagAction      dicom.Tag = 0x00001008
	tagRemaining   dicom.Tag = 0x00001020
	tagCompleted   dicom.Tag = 0x00001021
	tagFailed      dicom.Tag = 0x00001022
	tagWarned      dicom.Tag = 0x00001023
	tagOriginator  dicom.Tag = 0x00001030
	tagOriginID    dicom.Tag = 0x00001031
)

// isResponse tells whether the field is that of a response.
func (c *Command) isResponse() bool { return c.Field&response != 0 }

// asks tells whether the SOP class is the requested one: N-ACTION-RQ.
func (c *Command) asks() bool { return c.Field == nAction }

// appendCommand appends the command set in implicit little endian.
func appendCommand(dst []byte, c *Command) []byte {
	var b []byte
	class, instance := tagAffected, tagAffectedIn
	if c.asks() {
		class, instance = tagRequested, tagRequestedIn
	}
	b = appendText(b, class, c.Class, 0)
	b = appendShort(b, tagField, c.Field)
	switch {
	case c.isResponse() || c.Field == cCancel:
		b = appendShort(b, tagResponded, c.Responded)
	default:
		b = appendShort(b, tagID, c.ID)
	}
	b = appendText(b, tagDestination, c.Destination, ' ')
	if f := c.Field; f == cStore || f == cFind || f == cMove || f == cGet {
		b = appendShort(b, tagPriority, 0)
	}
	follows := uint16(noDataSet)
	if c.DataSet {
		follows = 0
	}
	b = appendShort(b, tagDataSet, follows)
	if c.isResponse() {
		b = appendShort(b, tagStatus, c.Status)
		b = appendText(b, tagComment, comment(c.Comment), ' ')
	}
	b = appendText(b, instance, c.Instance, 0)
	switch c.Field &^ response {
	case nEventReport:
		b = appendShort(b, tagEvent, c.Kind)
	case nAction:
		b = appendShort(b, tagAction, c.Kind)
	}
	if n := c.Counts; n != nil {
		if c.Status == statusPending || c.Status == statusCancelled {
			b = appendShort(b, tagRemaining, n.Remaining)
		}
		b = appendShort(b, tagCompleted, n.Completed)
		b = appendShort(b, tagFailed, n.Failed)
		b = appendShort(b, tagWarned, n.Warned)
	}
	if c.Originator != "" {
		b = appendText(b, tagOriginator, c.Originator, ' ')
		b = appendShort(b, tagOriginID, c.OriginID)
	}
	dst = appendHead(dst, tagGroupLength, 4)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// comment fits a text into LO: 64 characters of the default repertoire.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '\\' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 64)]
}

func appendHead(dst []byte, t dicom.Tag, n int) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, t.Group())
	dst = binary.LittleEndian.AppendUint16(dst, t.Element())
	return binary.LittleEndian.AppendUint32(dst, uint32(n))
}

func appendShort(dst []byte, t dicom.Tag, v uint16) []byte {
	return binary.LittleEndian.AppendUint16(appendHead(dst, t, 2), v)
}

// appendText leaves an empty text out.
func appendText(dst []byte, t dicom.Tag, s string, pad byte) []byte {
	if s == "" {
		return dst
	}
	dst = append(appendHead(dst, t, len(s)+len(s)%2), s...)
	if len(s)%2 != 0 {
		dst = append(dst, pad)
	}
	return dst
}

// parseCommand reads a command set.
func parseCommand(b []byte) (*Command, error) {
	c := &Command{}
	seen := false
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, breach(invalidParameter, "a command set that breaks off")
		}
		t := dicom.Tag(binary.LittleEndian.Uint16(b))<<16 | dicom.Tag(binary.LittleEndian.Uint16(b[2:]))
		n := binary.LittleEndian.Uint32(b[4:])
		if int64(n) > int64(len(b)-8) || t.Group() != 0 {
			return nil, breach(invalidParameter, "%v in a command set runs past its end, or is none of it", t)
		}
		c.take(t, b[8:8+n])
		seen = seen || t == tagField && n == 2
		b = b[8+n:]
	}
	if !seen {
		return nil, breach(invalidParameter, "a command set without Command Field (0000,0100)")
	}
	return c, nil
}

// take sets the field of one element; a number of a wrong length counts as
// absent.
func (c *Command) take(t dicom.Tag, v []byte) {
	switch t {
	case tagAffected, tagRequested:
		c.Class = uid(v)
	case tagAffectedIn, tagRequestedIn:
		c.Instance = uid(v)
	case tagDestination:
		c.Destination = untitle(v)
	case tagOriginator:
		c.Originator = untitle(v)
	case tagComment:
		c.Comment = untitle(v)
	}
	if len(v) != 2 {
		return
	}
	n := binary.LittleEndian.Uint16(v)
	switch t {
	case tagField:
		c.Field = n
	case tagID:
		c.ID = n
	case tagResponded:
		c.Responded = n
	case tagDataSet:
		c.DataSet = n != noDataSet
	case tagStatus:
		c.Status = n
	case tagOriginID:
		c.OriginID = n
	case tagEvent, tagAction:
		c.Kind = n
	case tagRemaining, tagCompleted, tagFailed, tagWarned:
		c.count(t, n)
	}
}

func (c *Command) count(t dicom.Tag, n uint16) {
	if c.Counts == nil {
		c.Counts = &Counts{}
	}
	switch t {
	case tagRemaining:
		c.Counts.Remaining = n
	case tagCompleted:
		c.Counts.Completed = n
	case tagFailed:
		c.Counts.Failed = n
	case tagWarned:
		c.Counts.Warned = n
	}
}
