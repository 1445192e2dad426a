package subscription

import (
	"encoding/json"
	"regexp"
	"strings"

	"tenon/fhir/tree"
)

// A header may carry a password, and what is stored is shown to every reader,
// proven and kept: so the record has the name of a header alone, and where its
// value is kept.
//
//	Authorization: Bearer abc   as it comes in
//	Authorization: urn:tenon:secret:4f0c…   as it is stored
const secretPrefix = "urn:tenon:secret:"

var secretName = regexp.MustCompile(`^urn:tenon:secret:([0-9a-f-]{36})$`)

// Header is one header of a channel: with its Value, or with the Secret under
// which the value is kept.
type Header struct{ Name, Value, Secret string }

// HeaderOf reads a line of Subscription.channel.header.
func HeaderOf(line string) Header {
	name, value, _ := strings.Cut(line, ":")
	h := Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)}
	if m := secretName.FindStringSubmatch(h.Value); m != nil {
		h.Value, h.Secret = "", m[1]
	}
	return h
}

// Reference is the line under which a kept header is stored.
func (h Header) Reference() string { return h.Name + ": " + secretPrefix + h.Secret }

// WithHeaders is the resource with other lines in channel.header; everything else
// stays byte by byte.
func WithHeaders(root tree.Node, lines []string) []byte {
	var edits []tree.Edit
	i := 0
	for h := range root.Path("channel", "header").Items() {
		if i == len(lines) {
			break
		}
		quoted, _ := json.Marshal(lines[i])
		start, end := h.Span()
		edits = append(edits, tree.Edit{Start: start, End: end, With: quoted})
		i++
	}
	return tree.Apply(root.Doc().Src(), edits)
}

// sound tells whether a header can be sent: a token, and a value without control
// characters. https://www.rfc-editor.org/rfc/rfc9110#section-5
func sound(name, value string) bool {
	odd := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}
	return name != "" && !strings.ContainsFunc(name, odd) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
