package fhirpath

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"strings"
	"unicode/utf8"
)

// Encodings, of the trial-use text that the R4 suite tests.
// https://hl7.org/fhirpath/#additional-string-functions
func init() {
	const str = 1 << sysString
	for name, codecs := range map[string]map[string]func(string) (string, bool){
		"encode":   {"hex": encodeHex, "base64": encodeBase64, "urlbase64": encodeURL},
		"decode":   {"hex": decodeHex, "base64": decodeBase64, "urlbase64": decodeURL},
		"escape":   {"html": escapeHTML, "json": escapeJSON},
		"unescape": {"html": unescapeHTML, "json": unescapeJSON},
	} {
		f := scalarFunction{in: str, params: []uint16{str}, out: str, call: recode(name, codecs)}
		register(map[string]builtin{name: f.builtin()})
	}
}

// recode applies a named codec; text that is none of it gives empty.
func recode(name string, codecs map[string]func(string) (string, bool)) func(*state, *scalar, []scalar, int) (scalar, bool, error) {
	return func(st *state, in *scalar, args []scalar, pos int) (scalar, bool, error) {
		codec := codecs[args[0].str]
		if codec == nil {
			return scalar{}, false, st.fail(pos, "%s() does not know that format", name)
		}
		out, ok := codec(in.str)
		return text(out), ok, st.spendText(max(len(in.str), len(out)))
	}
}

func encodeHex(s string) (string, bool)    { return hex.EncodeToString([]byte(s)), true }
func encodeBase64(s string) (string, bool) { return base64.StdEncoding.EncodeToString([]byte(s)), true }
func encodeURL(s string) (string, bool)    { return base64.URLEncoding.EncodeToString([]byte(s)), true }

func decodeHex(s string) (string, bool)    { return decoded(hex.DecodeString(s)) }
func decodeBase64(s string) (string, bool) { return decoded(base64.StdEncoding.DecodeString(s)) }
func decodeURL(s string) (string, bool)    { return decoded(base64.URLEncoding.DecodeString(s)) }

func decoded(b []byte, err error) (string, bool) {
	return string(b), err == nil && utf8.Valid(b)
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

func escapeHTML(s string) (string, bool)   { return htmlEscapes.Replace(s), true }
func unescapeHTML(s string) (string, bool) { return html.UnescapeString(s), true }

func escapeJSON(s string) (string, bool) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	quoted := strings.TrimSuffix(b.String(), "\n")
	return strings.TrimSuffix(strings.TrimPrefix(quoted, `"`), `"`), err == nil
}

// unescapeJSON replaces the escapes of a JSON string; quotes may be bare.
func unescapeJSON(s string) (string, bool) {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			quoted.WriteByte(s[i])
			i++
		} else if s[i] == '"' {
			quoted.WriteByte('\\')
		}
		quoted.WriteByte(s[i])
	}
	quoted.WriteByte('"')
	var out string
	err := json.Unmarshal([]byte(quoted.String()), &out)
	return out, err == nil
}
