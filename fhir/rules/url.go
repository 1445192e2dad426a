package rules

import (
	"strings"

	"tenon/fhir/schema"
)

// absolute tells whether a URL or URN has a scheme.
func absolute(url string) bool {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok || rest == "" || scheme == "" {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// rest is what a RESTful URL says: [root/]Type/id[/_history/version].
// https://hl7.org/fhir/R4/references.html#regex
type rest struct{ root, typ, id, version string }

// url is the URL without version.
func (r rest) url() string { return r.root + r.typ + "/" + r.id }

// readREST reads a RESTful URL; ok is false when it is none.
func readREST(m *schema.Model, url string) (r rest, ok bool) {
	if before, version, found := strings.Cut(url, "/_history/"); found {
		if !isID(version) {
			return r, false
		}
		url, r.version = before, version
	}
	i := strings.LastIndexByte(url, '/')
	if i < 0 || !isID(url[i+1:]) {
		return r, false
	}
	before := url[:i]
	r.id = url[i+1:]
	j := strings.LastIndexByte(before, '/')
	r.root, r.typ = before[:j+1], before[j+1:]
	if !m.IsResource(r.typ) || r.root != "" && !strings.HasPrefix(r.root, "http://") && !strings.HasPrefix(r.root, "https://") {
		return r, false
	}
	return r, true
}

func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// isUUID and isOID read what follows urn:uuid: and urn:oid:.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

func isOID(s string) bool {
	arcs := strings.Split(s, ".")
	for i, arc := range arcs {
		if arc == "" || len(arc) > 1 && arc[0] == '0' || i == 0 && (len(arc) != 1 || arc[0] > '2') {
			return false
		}
		for j := range len(arc) {
			if arc[j] < '0' || arc[j] > '9' {
				return false
			}
		}
	}
	return len(arcs) > 1
}
