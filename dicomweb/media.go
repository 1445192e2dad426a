package dicomweb

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Media types with parameters, read liberally: viewers send
//
//	multipart/related; type=application/octet-stream; transfer-syntax=*
//
// with the slash unquoted, which RFC 9110 does not allow.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7

// media is one media type or range.
type media struct {
	name   string // lower case, e.g. multipart/related
	params map[string]string
	q      float64
}

// parseMedia reads one media type.
func parseMedia(s string) media {
	parts := splitOutside(s, ';')
	m := media{name: strings.ToLower(strings.TrimSpace(parts[0])), params: map[string]string{}, q: 1}
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), unquote(strings.TrimSpace(value))
		if name == "q" {
			if q, err := strconv.ParseFloat(value, 64); err == nil {
				m.q = q
			}
			continue
		}
		m.params[name] = value
	}
	return m
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return strings.ReplaceAll(s[1:len(s)-1], `\`, "")
}

// splitOutside splits at a separator that stands outside quotes.
func splitOutside(s string, sep byte) []string {
	var parts []string
	quoted, from := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// maxRanges bounds the media ranges of one request.
const maxRanges = 64

// accepted are the media ranges of the Accept header and the accept parameter,
// most wanted first; without any, everything is accepted.
func accepted(r *http.Request) []media {
	var list []media
	values, _ := divideQuery(r.URL.RawQuery)
	for _, v := range append(values, r.Header.Values("Accept")...) {
		for _, part := range splitOutside(v, ',') {
			if strings.TrimSpace(part) == "" || len(list) == maxRanges {
				continue
			}
			if m := parseMedia(part); m.q > 0 {
				list = append(list, m)
			}
		}
	}
	if len(list) == 0 {
		return []media{{name: "*/*", q: 1}}
	}
	slices.SortStableFunc(list, func(a, b media) int {
		switch {
		case a.q > b.q:
			return -1
		case a.q < b.q:
			return 1
		}
		return 0
	})
	return list
}

// covers tells whether the range covers the type.
func (m media) covers(name string) bool {
	if m.name == "*/*" || m.name == "*" || m.name == name {
		return true
	}
	family, ok := strings.CutSuffix(m.name, "/*")
	return ok && strings.HasPrefix(name, family+"/")
}

// part is the range of the parts of a multipart/related range: its type
// parameter, or anything.
func (m media) part() media {
	inner := media{name: strings.ToLower(m.params["type"]), params: m.params, q: m.q}
	if inner.name == "" {
		inner.name = "*/*"
	}
	return inner
}

// syntax tells whether the range lets a transfer syntax pass; without a word on
// it, that of the stored file does.
func (m media) syntax(uid string) bool {
	want := m.params["transfer-syntax"]
	return want == "" || want == "*" || want == uid
}

// isMultipart tells whether the range asks for multipart/related.
func (m media) isMultipart() bool { return m.name == "multipart/related" }
