package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"unicode/utf8"

	"tenon/server/search"
)

// keptText is how many bytes of a value an index holds: no index of PostgreSQL
// takes an entry of more than about 2,700 bytes.
const keptText = 240

// bounded is a value that is compared as a whole. A long one is cut and told
// apart by its digest.
func bounded(s string) string {
	if len(s) <= keptText {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	head, _ := split(s, keptText/2)
	return head + "\x1f" + hex.EncodeToString(sum[:])
}

// split cuts a text after at most n bytes, between two characters.
func split(s string, n int) (head, rest string) {
	if len(s) <= n {
		return s, ""
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], s[n:]
}

// after is the smallest text that is greater than all that begin with prefix;
// "" if there is none.
func after(prefix string) string {
	r := []rune(prefix)
	for i := len(r) - 1; i >= 0; i-- {
		if r[i] < utf8.MaxRune {
			next := r[i] + 1
			if next >= 0xD800 && next < 0xE000 {
				next = 0xE000 // no text holds a surrogate
			}
			return string(append(r[:i], next))
		}
	}
	return ""
}

// systemOf is a system in an index row.
func systemOf(uri string) int64 {
	if uri == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(uri))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// systems remembers the systems of one unit, which repeat.
type systems map[string]int64

func (m systems) of(uri string) int64 {
	if uri == "" {
		return 0
	}
	n, ok := m[uri]
	if !ok {
		n = systemOf(uri)
		m[uri] = n
	}
	return n
}

// The rows of the index tables as the database holds them, each once.
type (
	tokenRow struct {
		key, system int64
		code        string
	}
	stringRow struct {
		key               int64
		norm, exact, rest string
	}
	dateRow   struct{ key, low, high int64 }
	numberRow struct {
		key, canonical, system int64
		low, high              float64
		code                   string
	}
	referenceRow struct {
		key         int64
		target, typ string
	}
	uriRow struct {
		key int64
		uri string
	}
)

type indexRows struct {
	tokens     []tokenRow
	strings    []stringRow
	dates      []dateRow
	numbers    []numberRow
	references []referenceRow
	uris       []uriRow
	groups     []groupRow
}

func indexRowsOf(r *search.Rows, known systems) *indexRows {
	x := &indexRows{}
	x.tokens = distinct(r.Tokens, func(t search.TokenRow) tokenRow {
		return tokenRow{int64(t.Key), known.of(t.System), bounded(t.Code)}
	})
	x.strings = distinct(r.Strings, func(t search.StringRow) stringRow {
		norm, rest := split(t.Normalised, keptText)
		return stringRow{int64(t.Key), norm, t.Exact, rest}
	})
	x.dates = distinct(r.Dates, func(t search.DateRow) dateRow { return dateRow{int64(t.Key), t.Low, t.High} })
	x.numbers = distinct(r.Numbers, func(t search.NumberRow) numberRow {
		return numberRow{int64(t.Key), truth(t.Canonical), known.of(t.System), t.Low, t.High, bounded(t.Code)}
	})
	x.references = distinct(r.References, func(t search.ReferenceRow) referenceRow {
		if t.Type == "" {
			return referenceRow{int64(t.Key), bounded(t.URL), ""}
		}
		return referenceRow{int64(t.Key), bounded(t.ID), t.Type}
	})
	x.uris = distinct(r.URIs, func(t search.URIRow) uriRow { return uriRow{int64(t.Key), bounded(t.URI)} })
	x.groups = distinct(r.Groups, func(g search.GroupRow) groupRow { return groupRowOf(g, known) })
	x.numbers = slices.DeleteFunc(x.numbers, func(n numberRow) bool { return math.IsNaN(n.low) || math.IsNaN(n.high) })
	return x
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// distinct maps rows and leaves out what is there already.
func distinct[From any, To comparable](rows []From, f func(From) To) []To {
	if len(rows) == 0 {
		return nil
	}
	out := make([]To, 0, len(rows))
	if len(rows) <= 16 {
		for _, r := range rows {
			if x := f(r); !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
		return out
	}
	seen := make(map[To]struct{}, len(rows))
	for _, r := range rows {
		x := f(r)
		if _, ok := seen[x]; !ok {
			seen[x] = struct{}{}
			out = append(out, x)
		}
	}
	return out
}

// sorted is a copy in order, each once.
func sorted[T cmp.Ordered](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
