package webauthn

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// The flags of authenticator data.
const (
	flagPresent    = 0x01
	flagVerified   = 0x04
	flagMovable    = 0x08 // backup eligible: it may be on other machines of the person
	flagMoved      = 0x10
	flagCredential = 0x40
	flagExtensions = 0x80
)

const (
	dataHead  = sha256.Size + 1 + 4
	longestID = 1023
)

// data is what an authenticator says and signs.
// https://www.w3.org/TR/webauthn-2/#sctn-authenticator-data
type data struct {
	flags   byte
	counter uint32
	id      []byte      // of the credential, when one was made
	key     map[any]any // its public key
}

var errData = errors.New("the authenticator data is cut, or holds what was not announced")

// parse reads authenticator data to its end.
func parse(b []byte) (hash []byte, d *data, err error) {
	if len(b) < dataHead {
		return nil, nil, errData
	}
	hash, d = b[:sha256.Size], &data{flags: b[sha256.Size], counter: binary.BigEndian.Uint32(b[sha256.Size+1:])}
	b = b[dataHead:]
	if d.flags&flagCredential != 0 {
		if b, err = d.credential(b); err != nil {
			return nil, nil, err
		}
	}
	if d.flags&flagExtensions != 0 {
		item, rest, err := decode(b, 0)
		if _, ok := item.(map[any]any); err != nil || !ok {
			return nil, nil, errData
		}
		b = rest
	}
	if len(b) != 0 {
		return nil, nil, errData
	}
	return hash, d, nil
}

// credential reads AAGUID, id and key of a new credential.
func (d *data) credential(b []byte) ([]byte, error) {
	const aaguid = 16
	if len(b) < aaguid+2 {
		return nil, errData
	}
	n := int(binary.BigEndian.Uint16(b[aaguid:]))
	if b = b[aaguid+2:]; n == 0 || n > longestID || n > len(b) {
		return nil, errData
	}
	d.id = b[:n:n]
	item, rest, err := decode(b[n:], 0)
	if err != nil {
		return nil, err
	}
	ok := false
	if d.key, ok = item.(map[any]any); !ok {
		return nil, errData
	}
	return rest, nil
}

// judged reads authenticator data for this site, of a person who was there and was
// verified.
func (p Party) judged(b []byte) (*data, error) {
	hash, d, err := parse(b)
	if err != nil {
		return nil, err
	}
	want := sha256.Sum256([]byte(p.ID))
	switch {
	case subtle.ConstantTimeCompare(hash, want[:]) != 1:
		return nil, errors.New("the answer is for another site")
	case d.flags&flagPresent == 0 || d.flags&flagVerified == 0:
		return nil, errors.New("the authenticator did not verify the person")
	case d.flags&flagMoved != 0 && d.flags&flagMovable == 0:
		return nil, errData
	}
	return d, nil
}

// clientData is what the browser says of the ceremony.
// https://www.w3.org/TR/webauthn-2/#dictdef-collectedclientdata
type clientData struct {
	Type        string          `json:"type"`
	Challenge   string          `json:"challenge"`
	Origin      string          `json:"origin"`
	CrossOrigin bool            `json:"crossOrigin"`
	TopOrigin   json.RawMessage `json:"topOrigin"`
}

// asked judges what the browser says: the ceremony, the challenge, the page.
func (p Party) asked(text []byte, ceremony, challenge string) error {
	var c clientData
	if !utf8.Valid(text) || json.Unmarshal(text, &c) != nil {
		return errors.New("the client data is no JSON")
	}
	switch {
	case c.Type != ceremony:
		return errors.New("the answer is of another ceremony")
	case challenge == "" || subtle.ConstantTimeCompare([]byte(c.Challenge), []byte(challenge)) != 1:
		return errors.New("the answer is to another challenge")
	case c.Origin != p.Origin || c.CrossOrigin || c.TopOrigin != nil:
		return errors.New("the answer was given to a page of another origin")
	}
	return nil
}
