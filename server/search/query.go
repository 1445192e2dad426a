package search

import (
	"net/url"
	"strings"

	"tenon/fhir/issue"
)

// Param is one name and value of a query, decoded; the order of a query is kept.
type Param struct{ Name, Value string }

// maxParams bounds the parameters of one query.
const maxParams = 256

// ParseQuery decodes a query string such as that of If-None-Exist or of a
// search URL, with or without a leading question mark.
func ParseQuery(raw string) ([]Param, error) {
	var params []Param
	for raw = strings.TrimPrefix(raw, "?"); raw != ""; {
		var piece string
		piece, raw, _ = strings.Cut(raw, "&")
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, badEscape(piece)
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, badEscape(name)
		}
		if params = append(params, Param{name, value}); len(params) > maxParams {
			return nil, issue.Errorf(issue.TooCostly, "The query has more than %d parameters.", maxParams).
				WithStatus(400).Rule("search-limit").Chinese("查询参数过多。")
		}
	}
	return params, nil
}

func badEscape(at string) error {
	return issue.Errorf(issue.Invalid, "The query has a percent sign that does not start a two-digit escape.").
		At(at).Rule("query-escape").Chinese("查询字符串的百分号转义有误。")
}

// EncodeQuery is the inverse of ParseQuery.
func EncodeQuery(params []Param) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(encode(p.Name))
		b.WriteByte('=')
		b.WriteString(encode(p.Value))
	}
	return b.String()
}

// readable are characters that a query may hold as they are (RFC 3986) and that
// make FHIR queries legible.
var readable = strings.NewReplacer("%3A", ":", "%2C", ",", "%2F", "/", "%24", "$", "%40", "@")

func encode(s string) string { return readable.Replace(url.QueryEscape(s)) }
