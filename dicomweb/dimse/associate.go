package dimse

import (
	"encoding/binary"
	"strings"
)

// Association requests and their acceptance.
// https://dicom.nema.org/medical/dicom/current/output/html/part08.html#sect_9.3.2

// Application context and what this implementation calls itself.
const (
	applicationContext = "1.2.840.10008.3.1.1.1"
	// implementationClass is a UID derived from a UUID (PS3.5 §B.2).
	implementationClass   = "2.25.23436154810685407644369418482912126183"
	implementationVersion = "TENON"
)

// Context is one presentation context: what is spoken, and how it is coded.
// In an answer Result tells whether it is accepted, and Syntaxes has one value.
type Context struct {
	ID       byte
	Abstract string
	Syntaxes []string
	Result   byte
	provider bool // the other side takes C-STORE on it (C-GET)
}

// Results of a presentation context (PS3.8 table 9-18).
const (
	accepted              = 0
	refusedByUser         = 1
	abstractNotSupported  = 3
	syntaxesNotSupported  = 4
	maxContexts           = 128
	maxSyntaxesPerContext = 64
)

// Role is a role selection of one SOP class (PS3.7 §D.3.3.4).
type Role struct {
	UID      string
	SCU, SCP bool
}

// associate is A-ASSOCIATE-RQ or -AC.
type associate struct {
	Called, Calling string
	Application     string
	Contexts        []Context
	MaxLength       uint32
	Roles           []Role
	answer          bool // AC
}

// Item types.
const (
	itemApplication   = 0x10
	itemContextRQ     = 0x20
	itemContextAC     = 0x21
	itemAbstract      = 0x30
	itemSyntax        = 0x40
	itemUser          = 0x50
	itemMaxLength     = 0x51
	itemClass         = 0x52
	itemRole          = 0x54
	itemVersion       = 0x55
	associateFixed    = 68 // bytes before the items
	titleLength       = 16
	maxUserItems      = 1024
	lengthOfMaxLength = 4
)

// appendAssociate appends the PDU.
func appendAssociate(dst []byte, a *associate) []byte {
	b := []byte{0, 1, 0, 0}
	b = append(append(b, title(a.Called)...), title(a.Calling)...)
	b = append(b, make([]byte, 32)...)
	b = appendItem(b, itemApplication, []byte(applicationContext))
	for _, c := range a.Contexts {
		inner := []byte{c.ID, 0, c.Result, 0}
		kind := byte(itemContextAC)
		if !a.answer {
			kind, inner[2] = itemContextRQ, 0
			inner = appendItem(inner, itemAbstract, []byte(c.Abstract))
		}
		for _, s := range c.Syntaxes {
			inner = appendItem(inner, itemSyntax, []byte(s))
		}
		b = appendItem(b, kind, inner)
	}
	user := appendItem(nil, itemMaxLength, binary.BigEndian.AppendUint32(nil, a.MaxLength))
	user = appendItem(user, itemClass, []byte(implementationClass))
	for _, r := range a.Roles {
		role := binary.BigEndian.AppendUint16(nil, uint16(len(r.UID)))
		role = append(append(role, r.UID...), flag(r.SCU), flag(r.SCP))
		user = appendItem(user, itemRole, role)
	}
	user = appendItem(user, itemVersion, []byte(implementationVersion))
	b = appendItem(b, itemUser, user)
	if a.answer {
		return appendPDU(dst, associateAC, b)
	}
	return appendPDU(dst, associateRQ, b)
}

func appendItem(dst []byte, kind byte, body []byte) []byte {
	dst = append(dst, kind, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(body)))
	return append(dst, body...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// title is an AE title padded with spaces.
func title(s string) []byte {
	b := []byte("                ")
	copy(b, s)
	return b
}

// parseAssociate reads the body of A-ASSOCIATE-RQ or -AC. Items of kinds that
// are not known are passed over, as PS3.8 §9.3.1 asks.
func parseAssociate(body []byte, answer bool) (*associate, error) {
	if len(body) < associateFixed {
		return nil, breach(invalidParameter, "an A-ASSOCIATE of %d bytes", len(body))
	}
	if body[1]&1 == 0 && body[0] == 0 {
		return nil, breach(invalidParameter, "protocol version %d", binary.BigEndian.Uint16(body))
	}
	a := &associate{Called: untitle(body[4:20]), Calling: untitle(body[20:36]), answer: answer}
	err := eachItem(body[associateFixed:], func(kind byte, item []byte) error {
		switch {
		case kind == itemApplication:
			a.Application = uid(item)
		case kind == itemContextRQ && !answer, kind == itemContextAC && answer:
			return a.context(item)
		case kind == itemUser:
			return a.user(item)
		}
		return nil
	})
	return a, err
}

func untitle(b []byte) string { return strings.Trim(string(b), " \x00") }

func uid(b []byte) string { return strings.TrimRight(string(b), "\x00 ") }

// eachItem walks items of kind, reserved byte and length.
func eachItem(b []byte, do func(kind byte, item []byte) error) error {
	for n := 0; len(b) > 0; n++ {
		if len(b) < 4 || n > maxUserItems {
			return breach(invalidParameter, "an item that breaks off, or too many")
		}
		length := int(binary.BigEndian.Uint16(b[2:]))
		if length > len(b)-4 {
			return breach(invalidParameter, "an item of type %#02x runs past the end of what holds it", b[0])
		}
		if err := do(b[0], b[4:4+length]); err != nil {
			return err
		}
		b = b[4+length:]
	}
	return nil
}

func (a *associate) context(item []byte) error {
	if len(item) < 4 || item[0]%2 == 0 || len(a.Contexts) == maxContexts {
		return breach(invalidParameter, "a presentation context without an odd number, or more than %d", maxContexts)
	}
	c := Context{ID: item[0], Result: item[2]}
	for _, o := range a.Contexts {
		if o.ID == c.ID {
			return breach(invalidParameter, "presentation context %d occurs twice", c.ID)
		}
	}
	err := eachItem(item[4:], func(kind byte, inner []byte) error {
		switch kind {
		case itemAbstract:
			c.Abstract = uid(inner)
		case itemSyntax:
			if len(c.Syntaxes) < maxSyntaxesPerContext {
				c.Syntaxes = append(c.Syntaxes, uid(inner))
			}
		}
		return nil
	})
	a.Contexts = append(a.Contexts, c)
	return err
}

func (a *associate) user(item []byte) error {
	return eachItem(item, func(kind byte, inner []byte) error {
		switch {
		case kind == itemMaxLength && len(inner) == lengthOfMaxLength:
			a.MaxLength = binary.BigEndian.Uint32(inner)
		case kind == itemRole && len(inner) >= 4:
			n := int(binary.BigEndian.Uint16(inner))
			if n != len(inner)-4 {
				return breach(invalidParameter, "a role selection of a wrong length")
			}
			a.Roles = append(a.Roles, Role{UID: uid(inner[2 : 2+n]), SCU: inner[2+n] != 0, SCP: inner[3+n] != 0})
		}
		return nil
	})
}

// role is what was said of a SOP class; without a word the requestor is SCU.
func (a *associate) role(class string) Role {
	for _, r := range a.Roles {
		if r.UID == class {
			return r
		}
	}
	return Role{UID: class, SCU: true}
}
