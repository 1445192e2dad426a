package dicom

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Part 10 files from the DICOM JSON model, as STOW-RS receives it: explicit VR
// little endian, sequences of undefined length, text in UTF-8. A value that does
// not fit its value representation is written as it can be and told.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F

// Chunk is a run of bytes of a composed file: Bytes, or, where URI is not empty,
// the value that this BulkDataURI names.
type Chunk struct {
	Bytes []byte
	URI   string
}

// BulkValue is what is known of a value that a BulkDataURI names. Syntax is the
// transfer syntax of pixel data that are compressed, else "".
type BulkValue struct {
	Size   int64 // bytes
	Syntax string
	Video  bool // one stream holds all frames
}

// Composed is a file in the order of its bytes.
type Composed struct {
	Chunks   []Chunk
	Syntax   string
	Warnings []string // what did not fit, by tag; no values
}

// maxWarnings bounds what is told of one data set.
const maxWarnings = 16

// Compose makes a file of a data set of the DICOM JSON model. bulk tells of the
// value that a BulkDataURI names, and whether it is there. A *Fault says what
// cannot be written.
func Compose(object []byte, bulk func(uri string) (BulkValue, bool)) (*Composed, error) {
	c := &composer{bulk: bulk, out: &Composed{Syntax: ExplicitLittleEndian}, limits: Limits{}.withDefaults()}
	set, err := c.parse(object)
	if err != nil {
		return nil, err
	}
	for _, name := range []Tag{SOPClassUID, SOPInstanceUID} {
		if c.identifier(set, name) == "" {
			return nil, &Fault{Reason: Malformed, Tag: name, Text: "is missing or has no value"}
		}
	}
	c.frames = c.integer(set[NumberOfFrames])
	if err := c.dataSet(set, 0); err != nil {
		return nil, err
	}
	c.flush()
	head := AppendHead(nil, c.identifier(set, SOPClassUID), c.identifier(set, SOPInstanceUID), c.out.Syntax)
	c.out.Chunks = slices.Insert(c.out.Chunks, 0, Chunk{Bytes: head})
	return c.out, nil
}

// Identifiers reads UIDs of a data set of the JSON model, "" where there is none,
// so that what cannot be composed can be named.
func Identifiers(object []byte, tags ...Tag) []string {
	c := &composer{out: &Composed{}}
	set, _ := c.parse(object)
	list := make([]string, len(tags))
	for i, t := range tags {
		list[i] = c.identifier(set, t)
	}
	return list
}

type composer struct {
	bulk   func(string) (BulkValue, bool)
	out    *Composed
	buf    []byte
	count  int
	limits Limits
	frames int
}

func (c *composer) parse(object []byte) (map[Tag]*attribute, error) {
	var raw map[string]*attribute
	if err := json.Unmarshal(object, &raw); err != nil {
		return nil, &Fault{Reason: Malformed, Text: "the data set is no object of the DICOM JSON model"}
	}
	set := make(map[Tag]*attribute, len(raw))
	for name, a := range raw {
		t, ok := ParseTag(name)
		if !ok || a == nil || t.Group() == 0xFFFE {
			return nil, &Fault{Reason: Malformed, Text: fmt.Sprintf("%.20q is no attribute of the DICOM JSON model", name)}
		}
		if set[t] != nil {
			return nil, &Fault{Reason: Malformed, Tag: t, Text: "occurs twice"}
		}
		set[t] = a
	}
	return set, nil
}

func (c *composer) identifier(set map[Tag]*attribute, t Tag) string {
	a := set[t]
	var s string
	if a == nil || len(a.Value) == 0 || json.Unmarshal(a.Value[0], &s) != nil {
		return ""
	}
	return strings.Trim(s, " \x00")
}

// integer is the value of an IS, or 0.
func (c *composer) integer(a *attribute) int {
	if a == nil || len(a.Value) != 1 {
		return 0
	}
	n, _ := strconv.Atoi(strings.Trim(string(a.Value[0]), `" `))
	return n
}

func (c *composer) warn(t Tag, text string) {
	if len(c.out.Warnings) < maxWarnings {
		c.out.Warnings = append(c.out.Warnings, t.String()+" "+text)
	}
}

// dataSet writes the elements in ascending order, without group 2, group lengths
// and padding, which belong to one coding of them.
func (c *composer) dataSet(set map[Tag]*attribute, depth int) error {
	if depth > c.limits.Depth {
		return &Fault{Reason: TooLarge, Text: "sequences are nested too deeply"}
	}
	tags := make([]Tag, 0, len(set)+1)
	for t := range set {
		if t.Group() != 2 && t.Element() != 0 && t != TrailingPadding && t != CharacterSet {
			tags = append(tags, t)
		}
	}
	if depth == 0 {
		tags = append(tags, CharacterSet)
	}
	slices.Sort(tags)
	for _, t := range tags {
		if c.count++; c.count > c.limits.Tokens {
			return &Fault{Reason: TooLarge, Tag: t, Text: "more elements than a data set may have"}
		}
		if t == CharacterSet {
			c.value(t, CS, []byte("ISO_IR 192"))
			continue
		}
		if err := c.element(t, set[t], depth); err != nil {
			return err
		}
	}
	return nil
}

// vrOf is the value representation that the attribute tells, or that of the
// dictionary.
func (c *composer) vrOf(t Tag, a *attribute) VR {
	if len(a.VR) == 2 {
		if v := VR(a.VR[0])<<8 | VR(a.VR[1]); v.Known() {
			return v
		}
	}
	c.warn(t, "tells no value representation; that of the dictionary is taken")
	if d, ok := Lookup(t); ok {
		return d.VR
	}
	return UN
}

func (c *composer) element(t Tag, a *attribute, depth int) error {
	v := c.vrOf(t, a)
	switch kind := v.form().kind; {
	case kind == items:
		return c.sequence(t, a, depth)
	case a.BulkDataURI != "":
		return c.bulkValue(t, v, a.BulkDataURI, depth)
	case a.InlineBinary != "":
		b, err := base64.StdEncoding.DecodeString(a.InlineBinary)
		if err != nil {
			return &Fault{Reason: Malformed, Tag: t, Text: "InlineBinary is not base64"}
		}
		c.fitting(t, v, b)
	case kind == opaque:
		if len(a.Value) > 0 {
			c.warn(t, "is binary, but has a Value; it is written without")
		}
		c.fitting(t, v, nil)
	case kind == numeric:
		c.fitting(t, v, c.numbers(t, v, a.Value))
	default:
		c.fitting(t, v, []byte(c.texts(t, v, a.Value)))
	}
	return nil
}

func (c *composer) sequence(t Tag, a *attribute, depth int) error {
	c.head(t, SQ, Undefined)
	for _, raw := range a.Value {
		c.item(ItemTag, Undefined)
		if text := string(raw); text != "null" {
			set, err := c.parse(raw)
			if err != nil {
				return err
			}
			if err := c.dataSet(set, depth+1); err != nil {
				return err
			}
		}
		c.item(ItemDelimiter, 0)
	}
	c.item(SequenceDelimiter, 0)
	return nil
}

// bulkValue writes the place of a value that comes beside the metadata. Pixels
// that are compressed become one fragment behind an empty offset table.
func (c *composer) bulkValue(t Tag, v VR, uri string, depth int) error {
	b, ok := c.bulk(uri)
	if !ok {
		return &Fault{Reason: Malformed, Tag: t, Text: "no part of the message has the Content-Location that BulkDataURI names"}
	}
	if b.Size > maxLength {
		return &Fault{Reason: TooLarge, Tag: t, Text: "a value can have 4 GiB at most"}
	}
	if v.form().kind != opaque { // text or numbers that are long
		if !v.LongLength() && b.Size > maxShort {
			v = UN
		}
	}
	encapsulated := t == PixelData && depth == 0 && b.Syntax != ""
	if encapsulated && !b.Video && c.frames > 1 {
		return &Fault{Reason: Malformed, Tag: t, Text: "several frames that are compressed come as a file, not as one value"}
	}
	if encapsulated {
		c.out.Syntax = b.Syntax
		c.head(t, OB, Undefined)
		c.item(ItemTag, 0)
		c.item(ItemTag, b.Size+b.Size%2)
	} else {
		c.head(t, v, b.Size+b.Size%2)
	}
	c.flush()
	c.out.Chunks = append(c.out.Chunks, Chunk{URI: uri})
	if b.Size%2 != 0 {
		c.buf = append(c.buf, padding(v))
	}
	if encapsulated {
		c.item(SequenceDelimiter, 0)
	}
	return nil
}

func (c *composer) flush() {
	if len(c.buf) > 0 {
		c.out.Chunks = append(c.out.Chunks, Chunk{Bytes: c.buf})
		c.buf = nil
	}
}
