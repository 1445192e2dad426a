package grading

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Pseudonymiser replaces what points to a person, always in the same way under
// the same key. Whoever lacks the key can neither undo nor repeat it; the key
// itself is L5 and belongs to the hospital.
type Pseudonymiser struct{ key []byte }

// NewPseudonymiser takes an HMAC-SHA-256 key of at least 32 bytes.
func NewPseudonymiser(key []byte) (*Pseudonymiser, error) {
	if len(key) < 32 {
		return nil, errors.New("grading: the pseudonym key needs at least 32 bytes")
	}
	return &Pseudonymiser{key: append([]byte(nil), key...)}, nil
}

func (p *Pseudonymiser) mac(purpose, value string) []byte {
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte(purpose))
	h.Write([]byte{0})
	h.Write([]byte(value))
	return h.Sum(nil)
}

// ID is the logical id that stands for "Type/id" in copies: 130 bits, in the
// alphabet of FHIR ids.
func (p *Pseudonymiser) ID(reference string) string {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(p.mac("id", reference))
	return "p-" + strings.ToLower(text[:26])
}

// Reference is the pseudonymous reference for "Type/id".
func (p *Pseudonymiser) Reference(reference string) string {
	typ, _, _ := strings.Cut(reference, "/")
	return typ + "/" + p.ID(reference)
}

// Days is how far the dates of a person are shifted: a whole number of days
// from 30 to 364, back or forth, the same for all dates of that person.
func (p *Pseudonymiser) Days(person string) int {
	n := binary.BigEndian.Uint64(p.mac("days", person))
	days := 30 + int(n>>1%335)
	if n&1 == 1 {
		return -days
	}
	return days
}

// Shift moves a FHIR date, dateTime or instant by whole days. Its precision
// and its time of day stay; a date without a day is moved from its middle.
func Shift(value string, days int) (string, bool) {
	for _, f := range [...]struct {
		layout string
		middle int // days from its start to its middle
	}{{time.DateOnly, 0}, {"2006-01", 14}, {"2006", 182}} {
		if len(value) < len(f.layout) || len(value) > len(f.layout) && (f.layout != time.DateOnly || value[len(f.layout)] != 'T') {
			continue
		}
		t, err := time.Parse(f.layout, value[:len(f.layout)])
		if err != nil {
			return "", false
		}
		return t.AddDate(0, 0, f.middle+days).Format(f.layout) + value[len(f.layout):], true
	}
	return "", false
}
