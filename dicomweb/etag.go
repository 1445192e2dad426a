package dicomweb

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// Entity tags. Bytes that are stored have strong ones by their digest (see
// tagAndServe); answers that are put together have weak ones, since boundary and
// coding differ.
// https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3

// tagOf is a weak entity tag of all that decides on an answer.
func tagOf(parts ...any) string {
	sum := sha256.Sum256(fmt.Append(nil, parts...))
	return `W/"` + hex.EncodeToString(sum[:16]) + `"`
}

// tagOf is that of an answer about all instances of a key, which change with the
// version of the ImagingStudy.
func (f *found) tagOf(r *request, form string) string {
	row := f.first
	return tagOf(form, "\x00", r.base, "\x00", r.URL.Path, "\x00", row.Study.Resource, "\x00", row.Study.Stamp)
}

// fresh sets the entity tag; where the client has the answer already it says so
// and is true.
func fresh(w http.ResponseWriter, r *http.Request, tag string) bool {
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Add("Vary", "Accept, Accept-Encoding")
	if !matches(r.Header.Values("If-None-Match"), tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// matches compares weakly (RFC 9110 §8.8.3.2).
func matches(list []string, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, header := range list {
		for candidate := range strings.SplitSeq(header, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}
